// embedder REQUESTS: a program with a Python interpreter in it, which answers each request.
#include <Python.h>

#include <stdio.h>
#include <stdlib.h>

static const char set_up[] = "import json\n"
                             "answered = {}\n"
                             "def answer(number):\n"
                             "    words = ['w%d' % (number * k % 97) for k in range(1, 40)]\n"
                             "    record = {'id': number, 'words': sorted(set(words)),\n"
                             "              'text': ' '.join(words).upper()}\n"
                             "    again = json.loads(json.dumps(record))\n"
                             "    answered[number % 500] = again['text'][:20]\n"
                             "    return len(again['text']) + len(again['words'])\n"
                             "total = 0\n";

static int run(const char *text) {
    if (PyRun_SimpleStringFlags(text, NULL) == 0) return 0;
    fprintf(stderr, "embedder: the interpreter failed\n");
    return 1;
}

int main(int count, char **arguments) {
    const long requests = count > 1 ? strtol(arguments[1], NULL, 10) : 100;
    Py_InitializeEx(0);
    int status = run(set_up);
    for (long request = 0; request < requests && status == 0; request++) {
        char text[64];
        snprintf(text, sizeof text, "total += answer(%ld)", request);
        status = run(text);
    }
    if (status == 0) status = run("print(total, sorted(answered.items())[:3])");
    return Py_FinalizeEx() < 0 ? 1 : status;
}
