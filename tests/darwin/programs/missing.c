// Calls what the system does not have.
#include "darwin.h"

int no_such_function(void);

int main(int count, char **arguments) {
    (void)arguments;
    puts("before");
    fflush(__stdoutp);
    return count > 1 ? no_such_function() : 3;
}
