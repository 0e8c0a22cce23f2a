int found_answer(void);
int found_answer(void) { return 42; }
