/* tests/signaling/sdp_build.h: small offers to put together in tests, as string literals. */
#ifndef TESTS_SIGNALING_SDP_BUILD_H
#define TESTS_SIGNALING_SDP_BUILD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka needs the four above first */
#include <cmocka.h>

#include "signaling/sdp.h"

#define PRINT "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF"
#define HEAD  "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n"
#define KEYS \
  "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=fingerprint:sha-256 " PRINT "\r\na=setup:actpass\r\n"

#define AUDIO(mid)                                        \
  "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" KEYS "a=mid:" mid \
  "\r\na=sendonly\r\na=rtcp-mux\r\n"                      \
  "a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n"
#define VIDEO(mid)                                          \
  "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n" KEYS "a=mid:" mid \
  "\r\na=sendonly\r\na=rtcp-mux\r\na=rtcp-rsize\r\n"        \
  "a=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\na=rtcp-fb:96 nack\r\n"
#define DATA(mid)                                                          \
  "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n" KEYS "a=mid:" mid \
  "\r\na=sctp-port:5000\r\n"                                               \
  "a=max-message-size:262144\r\n"

/* Adds to a NUL-terminated text in a buffer of `cap` bytes, which must have room. */
__attribute__((format(printf, 3, 4))) static inline void append(char *text, size_t cap, const char *format, ...) {
  size_t len = strlen(text);
  va_list args;
  va_start(args, format);
  int n = vsnprintf(text + len, cap - len, format, args);
  va_end(args);
  assert_true(n >= 0 && len + (size_t)n < cap);
}

/* The offer of a text that must parse. */
static inline struct sdp_offer *offer_of(const char *text) {
  struct sdp_offer *offer = NULL;
  struct sdp_fault fault = {99};
  int error = sdp_offer_parse(&offer, text, strlen(text), &fault);
  if (error != SDP_OK) print_error("%s in line %u\n", sdp_error_name(error), fault.line);
  assert_int_equal(error, SDP_OK);
  assert_int_equal(fault.line, 0);
  return offer;
}

/* The text must be refused with `error` at `line`. */
static inline void refuse_at(const char *text, int error, unsigned line) {
  struct sdp_offer *offer = NULL;
  struct sdp_fault fault = {99};
  assert_string_equal(sdp_error_name(sdp_offer_parse(&offer, text, strlen(text), &fault)), sdp_error_name(error));
  assert_int_equal(fault.line, line);
  assert_null(offer);
}

#endif
