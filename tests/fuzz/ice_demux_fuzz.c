/* tests/fuzz/ice_demux_fuzz.c: first-byte classification, DTLS record walk and fingerprint text on arbitrary bytes. */
#include <stdlib.h>
#include <string.h>

#include "ice/certificate.h"
#include "ice/demux.h"
#include "ice/dtls_bio.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const enum ice_packet_kind kind = ice_demux(data, size);
  if (kind == ICE_PACKET_STUN && (size < ICE_STUN_HEADER_BYTES || data[0] > 3)) abort();
  if (kind == ICE_PACKET_DTLS && (size < ICE_DTLS_RECORD_BYTES || data[0] < 20 || data[0] > 63)) abort();
  if ((kind == ICE_PACKET_RTP || kind == ICE_PACKET_RTCP) && (size < 8 || data[0] >> 6 != 2)) abort();
  for (size_t at = 0; at < size;) {
    uint8_t type;
    uint16_t epoch;
    const size_t record = dtls_record_parse(data + at, size - at, &type, &epoch);
    if (record == 0) break;
    if (record > size - at) abort();
    at += record;
  }
  char text[ICE_FINGERPRINT_TEXT_BYTES + 8];
  struct ice_fingerprint f;
  const size_t len = size < sizeof(text) - 1 ? size : sizeof(text) - 1;
  memcpy(text, data, len);
  text[len] = '\0';
  static const char *const algorithms[] = {"sha-256", "sha-384", "sha-512"};
  for (size_t i = 0; i < 3; i++)
    (void)ice_fingerprint_parse(&f, algorithms[i], text);
  return 0;
}
