// A library in C++ whose work is one operator new, and asks the loader for nothing.
extern "C" [[gnu::visibility("default")]] int plugin_make_one() {
    int *volatile made = new int(1);
    const int result = *made;
    delete made;
    return result;
}
