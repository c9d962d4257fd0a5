/* The version texts; numbers come from the build. */
#include "server/version.h"

#include <cyaml/cyaml.h>
#include <jansson.h>
#include <libwebsockets.h>
#include <openssl/crypto.h>
#include <uv.h>

const char version_number[] = CONSILIUM_VERSION;
const char version_commit[] = CONSILIUM_COMMIT;

void version_print(FILE *to, struct argp_state *state) {
  (void)state;
  fprintf(to, "consilium %s (%s)\n", version_number, version_commit);
  fprintf(to, "%s\nlibuv %s\nlibwebsockets %s\njansson %s\nlibcyaml %s\n", OpenSSL_version(OPENSSL_VERSION),
          uv_version_string(), lws_get_library_version(), jansson_version_str(), cyaml_version_str);
}
