/* ice/srtp_engine.c: the worker's choice of a cryptographic back-end. See srtp_session.h. */
#include <stdlib.h>

#include "ice/srtp_session_internal.h"

static int start_backend(struct srtp_engine *engine, const struct srtp_backend_ops *ops) {
  engine->ops = ops;
  return ops->library_create(&engine->library);
}

static int choose_backend(struct srtp_engine *engine, enum srtp_backend backend) {
  switch (backend) {
    case SRTP_BACKEND_EVP:
      return start_backend(engine, &srtp_backend_evp);
#ifdef ICE_HAVE_IPSEC_MB
    case SRTP_BACKEND_IPSEC_MB:
      return start_backend(engine, &srtp_backend_ipsec_mb);
    case SRTP_BACKEND_AUTO:
      if (start_backend(engine, &srtp_backend_ipsec_mb) == SRTP_OK) return SRTP_OK;
      return start_backend(engine, &srtp_backend_evp);
#else
    case SRTP_BACKEND_IPSEC_MB:
      return SRTP_UNAVAILABLE;
    case SRTP_BACKEND_AUTO:
      return start_backend(engine, &srtp_backend_evp);
#endif
  }
  return SRTP_BAD_ARGUMENT;
}

int srtp_engine_create(struct srtp_engine **out, enum srtp_backend backend) {
  struct srtp_engine *engine = calloc(1, sizeof *engine);
  int rc = engine ? choose_backend(engine, backend) : SRTP_NO_MEMORY;
  if (rc != SRTP_OK) {
    free(engine);
    return rc;
  }
  *out = engine;
  return SRTP_OK;
}

void srtp_engine_free(struct srtp_engine *engine) {
  if (engine == NULL) return;
  engine->ops->library_free(engine->library);
  free(engine);
}

void srtp_engine_finish(struct srtp_engine *engine) {
  if (engine->ops->finish != NULL) engine->ops->finish(engine->library);
}

const char *srtp_engine_backend_name(const struct srtp_engine *engine) {
  return engine->ops->name;
}

const char *srtp_status_name(int status) {
  static const char *const names[SRTP_STATUS_COUNT] = {
      "ok",          "malformed", "auth_failed",  "replayed",  "too_old",     "ssrc_limit",   "index_used",
      "key_expired", "no_space",  "bad_argument", "no_memory", "unavailable", "crypto_error",
  };
  return status <= 0 && status > -SRTP_STATUS_COUNT ? names[-status] : "unknown";
}
