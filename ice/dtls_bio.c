/* ice/dtls_bio.c: the BIO method. */
#include "ice/dtls_bio.h"

#include <openssl/crypto.h>
#include <string.h>

#include "ice/dtls_transport.h"

/* IPv6 and UDP; only asked for when OpenSSL computes an MTU of its own. */
#define IP_UDP_OVERHEAD_BYTES 48

size_t dtls_record_parse(const uint8_t *data, size_t len, uint8_t *type, uint16_t *epoch) {
  if (len < DTLS_RECORD_HEADER_BYTES || data[1] != 0xFE) return 0; /* RFC 6347 §4.1: version is 254.255 or 254.253 */
  const size_t body = (size_t)data[11] << 8 | data[12];
  if (body > len - DTLS_RECORD_HEADER_BYTES) return 0;
  *type = data[0];
  *epoch = (uint16_t)(data[3] << 8 | data[4]);
  return DTLS_RECORD_HEADER_BYTES + body;
}

static int bio_read(BIO *bio, char *out, size_t cap, size_t *got) {
  struct dtls_bio *b = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  if (b->input == NULL) {
    BIO_set_retry_read(bio);
    return 0;
  }
  *got = b->input_len < cap ? b->input_len : cap; /* as recv() does: the rest of a datagram is lost */
  memcpy(out, b->input, *got);
  b->input = NULL;
  return 1;
}

static int bio_write(BIO *bio, const char *data, size_t len, size_t *written) {
  struct dtls_bio *b = BIO_get_data(bio);
  const uint8_t *bytes = (const uint8_t *)data;
  uint8_t type = 0;
  uint16_t epoch = 0;
  BIO_clear_retry_flags(bio);
  *written = len;
  const bool whole = dtls_record_parse(bytes, len, &type, &epoch) != 0;
  if (whole && type == DTLS_CONTENT_ALERT && epoch == 0 && !b->plain_alerts) return 1;
  b->send(b->arg, bytes, len);
  return 1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer) {
  struct dtls_bio *b = BIO_get_data(bio);
  (void)number;
  switch (command) {
    case BIO_CTRL_FLUSH:
      return 1;
    case BIO_CTRL_DGRAM_QUERY_MTU:
    case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
      return DTLS_MTU_BYTES;
    case BIO_CTRL_DGRAM_GET_MTU_OVERHEAD:
      return IP_UDP_OVERHEAD_BYTES;
    case BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT: {
      struct timeval *deadline = pointer;
      if (dtls_bio_owns_timer()) b->openssl_deadline = deadline;
      b->timer(b->arg, deadline->tv_sec != 0 || deadline->tv_usec != 0);
      return 1;
    }
    default:
      return 0;
  }
}

bool dtls_bio_owns_timer(void) {
  return OpenSSL_version_num() < 0x30200000L;
}

/* Made once and kept for the life of the process, as BIO types are. */
static BIO_METHOD *method(void) {
  static BIO_METHOD *made;
  if (made != NULL) return made;
  BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagram in memory");
  if (m == NULL) return NULL;
  if (BIO_meth_set_read_ex(m, bio_read) != 1 || BIO_meth_set_write_ex(m, bio_write) != 1 ||
      BIO_meth_set_ctrl(m, bio_ctrl) != 1) {
    BIO_meth_free(m);
    return NULL;
  }
  made = m;
  return made;
}

BIO *dtls_bio_new(struct dtls_bio *state) {
  BIO_METHOD *m = method();
  BIO *bio = m == NULL ? NULL : BIO_new(m);
  if (bio == NULL) return NULL;
  BIO_set_data(bio, state);
  BIO_set_init(bio, 1);
  return bio;
}
