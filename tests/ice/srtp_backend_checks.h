/* tests/ice/srtp_backend_checks.h: what every back-end must do, whichever library it stands on: the packets of RFC 7714, the
 * keystream of RFC 3711, a tag that OpenSSL's HMAC agrees with, and nothing opened that was touched. A test program defines
 * `ops` before it includes this. */
#ifndef TESTS_ICE_SRTP_BACKEND_CHECKS_H
#define TESTS_ICE_SRTP_BACKEND_CHECKS_H

#include <openssl/hmac.h>

#include "ice/srtp_backend.h"
#include "tests/ice/srtp_fixture.h"

/* RFC 7714 §16: the packet, before and after. */
static const uint8_t plain[] = "\x80\x40\xf1\x7b\x80\x41\xf8\xd3\x55\x01\xa0\xb2Gallia est omnis divisa in partes tres";
static const uint8_t salt[14] = "Quid pro quo";
static const uint8_t sealed_128[] =
    "\x80\x40\xf1\x7b\x80\x41\xf8\xd3\x55\x01\xa0\xb2\xf2\x4d\xe3\xa3\xfb\x34\xde\x6c\xac\xba\x86\x1c\x9d\x7e\x4b\xca"
    "\xbe\x63\x3b\xd5\x0d\x29\x4e\x6f\x42\xa5\xf4\x7a\x51\xc7\xd1\x9b\x36\xde\x3a\xdf\x88\x33\x89\x9d\x7f\x27\xbe\xb1"
    "\x6a\x91\x52\xcf\x76\x5e\xe4\x39\x0c\xce";
static const uint8_t sealed_256[] =
    "\x80\x40\xf1\x7b\x80\x41\xf8\xd3\x55\x01\xa0\xb2\x32\xb1\xde\x78\xa8\x22\xfe\x12\xef\x9f\x78\xfa\x33\x2e\x33\xaa"
    "\xb1\x80\x12\x38\x9a\x58\xe2\xf3\xb5\x0b\x2a\x02\x76\xff\xae\x0f\x1b\xa6\x37\x99\xb8\x7b\x7a\xa3\xdb\x36\xdf\xff"
    "\xd6\xb0\xf9\xbb\x78\x78\xd7\xa7\x6c\x13";

/* §17: an RTCP packet; what follows its header when it is sealed. */
static const uint8_t plain_rtcp[] =
    "\x81\xc8\x00\x0d\x4d\x61\x72\x73\x4e\x54\x50\x31\x4e\x54\x50\x32\x52\x54\x50\x20\x00\x00\x04\x2a\x00\x00\xe9\x30"
    "\x4c\x75\x6e\x61\xde\xad\xbe\xef\xde\xad\xbe\xef\xde\xad\xbe\xef\xde\xad\xbe\xef\xde\xad\xbe\xef";
static const uint8_t sealed_rtcp_128[] =
    "\x63\xe9\x48\x85\xdc\xda\xb6\x7c\xa7\x27\xd7\x66\x2f\x6b\x7e\x99\x7f\xf5\xc0\xf7\x6c\x06\xf3\x2d\xc6\x76\xa5\xf1"
    "\x73\x0d\x6f\xda\x4c\xe0\x9b\x46\x86\x30\x3d\xed\x0b\xb9\x27\x5b\xc8\x4a\xa4\x58\x96\xcf\x4d\x2f\xc5\xab\xf8\x72"
    "\x45\xd9\xea\xde";
static const uint8_t sealed_rtcp_256[] =
    "\xd5\x0a\xe4\xd1\xf5\xce\x5d\x30\x4b\xa2\x97\xe4\x7d\x47\x0c\x28\x2c\x3e\xce\x5d\xbf\xfe\x0a\x50\xa2\xea\xa5\xc1"
    "\x11\x05\x55\xbe\x84\x15\xf6\x58\xc6\x1d\xe0\x47\x6f\x1b\x6f\xad\x1d\x1e\xb3\x0c\x44\x46\x83\x9f\x57\xff\x6f\x6c"
    "\xb2\x6a\xc3\xbe";

/* What stands before the payload, in the clear; the payload; the same sealed, with its tag; what the IV is made of. */
struct vector {
  const uint8_t *header;
  size_t header_len;
  const uint8_t *plain;
  size_t plain_len;
  const uint8_t *sealed;
  uint32_t ssrc, index;
};

static void check_vector(enum srtp_profile profile, const struct vector *v) {
  const struct srtp_profile_info *info = srtp_profile_info(profile);
  struct srtp_session_keys keys = {0};
  uint8_t iv[16], packet[128];
  void *library, *sealing, *opening;
  for (size_t i = 0; i < info->key_bytes; i++)
    keys.cipher[i] = (uint8_t)i;
  assert_int_equal(ops->library_create(&library), SRTP_OK);
  assert_int_equal(ops->cipher_create(&sealing, library, info, &keys, 1), SRTP_OK);
  assert_int_equal(ops->cipher_create(&opening, library, info, &keys, 0), SRTP_OK);
  srtp_keys_write_iv(1, salt, v->ssrc, v->index, iv);

  memcpy(packet, v->header, v->header_len);
  struct srtp_seal_job seal = {sealing, iv, v->plain, v->plain_len, packet, v->header_len, 0};
  assert_int_equal(ops->seal(&seal), SRTP_OK);
  assert_memory_equal(packet, v->header, v->header_len);
  assert_memory_equal(packet + v->header_len, v->sealed, v->plain_len + 16);

  struct srtp_open_job open = {opening, iv, packet, v->header_len, v->plain_len, 0};
  assert_int_equal(ops->open(&open), SRTP_OK);
  assert_memory_equal(packet + v->header_len, v->plain, v->plain_len);
  ops->cipher_free(sealing);
  ops->cipher_free(opening);
  ops->library_free(library);
}

static void gives_the_packets_of_rfc7714(void **state) {
  (void)state;
  struct vector v = {plain, 12, plain + 12, sizeof plain - 1 - 12, sealed_128 + 12, 0x5501a0b2, 0xf17b};
  assert_int_equal(sizeof sealed_128, sizeof plain + 16);
  check_vector(SRTP_PROFILE_AEAD_AES_128_GCM, &v);
  assert_int_equal(sizeof sealed_256, sizeof plain + 16);
  v.sealed = sealed_256 + 12;
  check_vector(SRTP_PROFILE_AEAD_AES_256_GCM, &v);
}

/* §9.2: E and index are associated data behind the header. On the wire they come last: ice/srtcp.c moves them, and libsrtp2 opens it. */
static void gives_the_control_packets_of_rfc7714(void **state) {
  (void)state;
  uint8_t header[12] = {[8] = 0x80, 0, 0x05, 0xd4};
  memcpy(header, plain_rtcp, 8);
  struct vector v = {header, 12, plain_rtcp + 8, sizeof plain_rtcp - 1 - 8, sealed_rtcp_128, 0x4d617273, 0x5d4};
  assert_int_equal(sizeof sealed_rtcp_128 - 1, v.plain_len + 16);
  check_vector(SRTP_PROFILE_AEAD_AES_128_GCM, &v);
  assert_int_equal(sizeof sealed_rtcp_256 - 1, v.plain_len + 16);
  v.sealed = sealed_rtcp_256;
  check_vector(SRTP_PROFILE_AEAD_AES_256_GCM, &v);
}

/* A library, one cipher to seal and one to open, with seeded keys. */
struct cipher_pair {
  const struct srtp_profile_info *info;
  struct srtp_session_keys keys;
  void *library, *sealing, *opening;
};

static void cipher_pair_create(struct cipher_pair *p, enum srtp_profile profile, uint64_t seed) {
  p->info = srtp_profile_info(profile);
  fill_random(&seed, (uint8_t *)&p->keys, sizeof p->keys);
  assert_int_equal(ops->library_create(&p->library), SRTP_OK);
  assert_int_equal(ops->cipher_create(&p->sealing, p->library, p->info, &p->keys, 1), SRTP_OK);
  assert_int_equal(ops->cipher_create(&p->opening, p->library, p->info, &p->keys, 0), SRTP_OK);
}

static void cipher_pair_free(struct cipher_pair *p) {
  ops->cipher_free(p->sealing);
  ops->cipher_free(p->opening);
  ops->library_free(p->library);
}

/* RFC 3711 B.2: AES-CM's keystream is what encrypting zeros gives; and the tag is HMAC-SHA1 over packet and ROC (§4.2). */
static void gives_the_keystream_of_rfc3711(void **state) {
  (void)state;
  static const uint8_t key[16] = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
                                  0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};
  static const uint8_t iv[16] = {0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7,
                                 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0,    0};
  static const uint8_t keystream[48] = {0xe0, 0x3e, 0xad, 0x09, 0x35, 0xc9, 0x5e, 0x80, 0xe1, 0x66, 0xb1, 0x6d,
                                        0xd9, 0x2b, 0x4e, 0xb4, 0xd2, 0x35, 0x13, 0x16, 0x2b, 0x02, 0xd0, 0xf7,
                                        0x2a, 0x43, 0xa2, 0xfe, 0x4a, 0x5f, 0x97, 0xab, 0x41, 0xe9, 0x5b, 0x3b,
                                        0xb0, 0xa2, 0xe8, 0xdd, 0x47, 0x79, 0x01, 0xe4, 0xfc, 0xa8, 0x94, 0xc0};
  static const uint8_t zeros[48] = {0};
  uint8_t packet[128], hashed[128], tag[EVP_MAX_MD_SIZE];
  unsigned tag_len = 0;
  struct cipher_pair p;
  cipher_pair_create(&p, SRTP_PROFILE_AES128_CM_SHA1_80, 3);
  ops->cipher_free(p.sealing);
  memcpy(p.keys.cipher, key, sizeof key);
  assert_int_equal(ops->cipher_create(&p.sealing, p.library, p.info, &p.keys, 1), SRTP_OK);
  size_t header_len = write_header(packet, 7, 8, 0, -1);
  struct srtp_seal_job seal = {p.sealing, iv, zeros, sizeof zeros, packet, header_len, 0x01020304};
  assert_int_equal(ops->seal(&seal), SRTP_OK);
  assert_memory_equal(packet + header_len, keystream, sizeof keystream);
  size_t len = header_len + sizeof zeros;
  memcpy(hashed, packet, len);
  memcpy(hashed + len, "\x01\x02\x03\x04", 4);
  assert_non_null(HMAC(EVP_sha1(), p.keys.auth, sizeof p.keys.auth, hashed, len + 4, tag, &tag_len));
  assert_memory_equal(packet + len, tag, p.info->tag_bytes);
  cipher_pair_free(&p);
}

/* Sealed, opened again, and not opened with any one bit changed: header, payload or tag. */
static void opens_only_what_was_sealed(void **state) {
  (void)state;
  static const size_t lengths[] = {0, 1, 15, 16, 17, 100};
  uint64_t seed = 21;
  for (size_t i = 0; i < COUNT(all_profiles); i++)
    for (size_t n = 0; n < COUNT(lengths); n++) {
      struct cipher_pair p;
      uint8_t packet[256], copy[256], payload[100], iv[16];
      size_t len = lengths[n];
      cipher_pair_create(&p, all_profiles[i], 5 + n);
      fill_random(&seed, payload, len);
      fill_random(&seed, iv, sizeof iv);
      size_t header_len = write_header(packet, 7, 8, (int)n % 3, n % 2 ? 1 : -1);
      struct srtp_seal_job seal = {p.sealing, iv, payload, len, packet, header_len, 9};
      struct srtp_open_job open = {p.opening, iv, copy, header_len, len, 9};
      assert_int_equal(ops->seal(&seal), SRTP_OK);
      size_t whole = header_len + len + p.info->tag_bytes;
      for (size_t bit = 0; bit < whole * 8; bit++) {
        memcpy(copy, packet, whole);
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (ops->open(&open) != SRTP_AUTH_FAILED) fail_msg("profile %zu, length %zu, bit %zu", i, len, bit);
      }
      memcpy(copy, packet, whole);
      assert_int_equal(ops->open(&open), SRTP_OK); /* also after all those failures */
      assert_memory_equal(copy + header_len, payload, len);
      assert_memory_equal(copy, packet, header_len);
      /* Another IV, and where the ROC is hashed another ROC. */
      memcpy(copy, packet, whole);
      iv[3] ^= 1;
      if (p.info->aead) assert_int_equal(ops->open(&open), SRTP_AUTH_FAILED);
      iv[3] ^= 1;
      memcpy(copy, packet, whole);
      open.roc = 10;
      if (!p.info->aead) assert_int_equal(ops->open(&open), SRTP_AUTH_FAILED);
      cipher_pair_free(&p);
    }
}

/* Plaintext that already stands where the ciphertext goes; and one cipher does not remember its last packet. */
static void seals_in_place_and_again(void **state) {
  (void)state;
  uint64_t seed = 31;
  for (size_t i = 0; i < COUNT(all_profiles); i++) {
    struct cipher_pair p, other;
    uint8_t payload[300], iv[16], apart[400], in_place[400], once_more[400], foreign[400];
    cipher_pair_create(&p, all_profiles[i], 40);
    cipher_pair_create(&other, all_profiles[i], 41);
    fill_random(&seed, payload, sizeof payload);
    fill_random(&seed, iv, sizeof iv);
    size_t header_len = write_header(apart, 7, 8, 0, -1), whole = header_len + sizeof payload + p.info->tag_bytes;
    memcpy(in_place, apart, header_len);
    memcpy(once_more, apart, header_len);
    memcpy(foreign, apart, header_len);
    memcpy(in_place + header_len, payload, sizeof payload);
    const struct srtp_seal_job jobs[] = {
        {p.sealing, iv, payload, sizeof payload, apart, header_len, 1},
        {p.sealing, iv, in_place + header_len, sizeof payload, in_place, header_len, 1},
        {other.sealing, iv, payload, sizeof payload, foreign, header_len, 1},
        {p.sealing, iv, payload, sizeof payload, once_more, header_len, 1}};
    for (size_t j = 0; j < COUNT(jobs); j++)
      assert_int_equal(ops->seal(&jobs[j]), SRTP_OK);
    assert_memory_equal(in_place, apart, whole);
    assert_memory_equal(once_more, apart, whole);
    assert_memory_not_equal(foreign + header_len, apart + header_len, sizeof payload);
    struct srtp_open_job open = {other.opening, iv, apart, header_len, sizeof payload, 1};
    assert_int_equal(ops->open(&open), SRTP_AUTH_FAILED); /* another session's key */
    cipher_pair_free(&p);
    cipher_pair_free(&other);
  }
  ops->cipher_free(NULL);
  ops->library_free(NULL);
}

#define SRTP_BACKEND_CHECKS                                                                               \
  cmocka_unit_test(gives_the_packets_of_rfc7714), cmocka_unit_test(gives_the_control_packets_of_rfc7714), \
      cmocka_unit_test(gives_the_keystream_of_rfc3711), cmocka_unit_test(opens_only_what_was_sealed),     \
      cmocka_unit_test(seals_in_place_and_again)

#endif
