/* server/token_command.h: `consilium token`: prints a signed access token.
 */
#ifndef SERVER_TOKEN_COMMAND_H
#define SERVER_TOKEN_COMMAND_H

#include "server/options.h"

/* Prints the token on stdout; mistakes go to stderr. Returns the exit status. */
int token_command_main(const struct options *options);

#endif
