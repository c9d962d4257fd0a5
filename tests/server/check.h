/* cmocka's headers in the order it wants them. */
#ifndef TESTS_SERVER_CHECK_H
#define TESTS_SERVER_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#endif
