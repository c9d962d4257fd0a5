/* tests/ice/media_client.h: the client's end of SRTP, on libsrtp2 alone, keyed by a DTLS client's exporter. */
#ifndef TESTS_ICE_MEDIA_CLIENT_H
#define TESTS_ICE_MEDIA_CLIENT_H

#include <srtp2/srtp.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/ice/dtls_client.h"

struct media_client {
  uint16_t profile; /* 0: no keys */
  srtp_t out, in;
};

/* Splits the exporter block as RFC 5764 §4.2 says. False when there are no keys. libsrtp2 must be initialised. */
bool media_client_open(struct media_client *m, struct dtls_client *dtls);
void media_client_close(struct media_client *m);

/* An RTP packet of `payload`, protected. Returns its length; 0 on failure. `out` needs 12 + len + SRTP_MAX_TRAILER_LEN. */
size_t media_client_rtp(struct media_client *m, uint32_t ssrc, uint16_t seq, const void *payload, size_t len,
                        uint8_t *out);
/* A receiver report without blocks, protected. */
size_t media_client_rtcp(struct media_client *m, uint32_t ssrc, uint8_t *out);

/* Unprotects in place; the length, or 0. */
size_t media_client_open_rtp(struct media_client *m, uint8_t *data, size_t len);
size_t media_client_open_rtcp(struct media_client *m, uint8_t *data, size_t len);

/* A plain RTP header of 12 bytes. */
void write_rtp_header(uint8_t header[12], uint32_t ssrc, uint16_t seq);

#endif
