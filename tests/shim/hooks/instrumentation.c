// What programs built with -finstrument-functions call where libc has none of it: musl.
void __cyg_profile_func_enter(void *function, void *caller);
void __cyg_profile_func_enter(void *function, void *caller) {
    (void)function;
    (void)caller;
}
void __cyg_profile_func_exit(void *function, void *caller);
void __cyg_profile_func_exit(void *function, void *caller) {
    (void)function;
    (void)caller;
}
