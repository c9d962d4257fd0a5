/* `consilium token`. */
#include "server/token_command.h"

#include <stdio.h>
#include <stdlib.h>

#include "server/token_maker.h"
#include "signaling/token.h"

int token_command_main(const struct options *o) {
  char message[CONFIG_MESSAGE_BYTES];
  struct config *c = NULL;
  if (options_load_config(o, &c, message) != CONFIG_OK) {
    fprintf(stderr, "consilium: %s\n", message);
    return 2;
  }
  unsigned flags = (o->token.calls ? TOKEN_MAKER_CALLS : 0U) | (o->token.wait ? TOKEN_MAKER_WAIT : 0U);
  char *token = token_maker_mint(c, o->token.room ? o->token.room : "", o->token.identity, o->token.name, o->token.role,
                                 o->token.ttl_seconds, flags);
  if (token)
    printf("%s\n", token);
  else
    fprintf(stderr,
            "consilium: room and identity are 1 to %d of A-Z a-z 0-9 _ - . ~ @ :, the role is one of doctor, "
            "patient, interpreter, observer, admin\n",
            SIGNALING_IDENTIFIER_BYTES);
  free(token);
  config_free(c);
  return token ? 0 : 1;
}
