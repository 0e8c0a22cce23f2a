// Error numbers: the two systems agree up to 34, but for EDEADLK and EAGAIN.
#pragma once

namespace darwin::errors {

int from_host(int number);
int to_host(int number);

} // namespace darwin::errors
