// A program of the libc that the shim is for: of another one's, the loader would not load it.
int main(void) { return 0; }
