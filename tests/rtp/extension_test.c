/* Tests of rtp/extension.c: URIs, ids, and reading all values of a packet at once. */
#include "rtp/extension.h"

#include "tests/rtp/bytes.h"

static void uris_are_known_both_ways(void **state) {
  (void)state;
  for (int i = 1; i < RTP_EXTENSION_COUNT; i++) {
    const char *uri = rtp_extension_uri((enum rtp_extension)i);
    assert_non_null(uri);
    assert_int_equal(rtp_extension_from_uri(uri, strlen(uri)), i);
    assert_int_equal(rtp_extension_from_uri(uri, strlen(uri) - 1), RTP_EXTENSION_NONE);
  }
  assert_null(rtp_extension_uri(RTP_EXTENSION_NONE));
  assert_null(rtp_extension_uri(RTP_EXTENSION_COUNT));
  assert_null(rtp_extension_uri((enum rtp_extension) - 1));
  assert_int_equal(rtp_extension_from_uri("urn:ietf:params:rtp-hdrext:sdes:MID", 35), RTP_EXTENSION_NONE);
  assert_int_equal(rtp_extension_from_uri("", 0), RTP_EXTENSION_NONE);
}

static void map_keeps_ids_unique(void **state) {
  (void)state;
  struct rtp_extension_map map;
  rtp_extension_map_init(&map);
  assert_int_equal(rtp_extension_map_add(&map, 4, RTP_EXTENSION_MID), RTP_OK);
  assert_int_equal(rtp_extension_map_add(&map, 4, RTP_EXTENSION_MID), RTP_OK); /* again: a re-offer */
  assert_int_equal(rtp_extension_map_add(&map, 4, RTP_EXTENSION_RID), RTP_ERROR_TOO_MANY);
  assert_int_equal(rtp_extension_map_add(&map, 5, RTP_EXTENSION_MID), RTP_ERROR_TOO_MANY);
  assert_int_equal(rtp_extension_map_add(&map, 0, RTP_EXTENSION_RID), RTP_ERROR_VALUE);
  assert_int_equal(rtp_extension_map_add(&map, 15, RTP_EXTENSION_RID), RTP_ERROR_VALUE);
  assert_int_equal(rtp_extension_map_add(&map, 6, RTP_EXTENSION_NONE), RTP_ERROR_VALUE);
  assert_int_equal(rtp_extension_map_add(&map, 6, RTP_EXTENSION_COUNT), RTP_ERROR_VALUE);
  assert_int_equal(rtp_extension_map_add(&map, 255, RTP_EXTENSION_RID), RTP_OK);
  assert_int_equal(map.id_of[RTP_EXTENSION_MID], 4);
  assert_int_equal(map.extension_of[255], RTP_EXTENSION_RID);
  assert_int_equal(map.extension_of[5], RTP_EXTENSION_NONE);
}

static void bind_all(struct rtp_extension_map *map) {
  rtp_extension_map_init(map);
  for (int i = 1; i < RTP_EXTENSION_COUNT; i++) {
    uint8_t id = (uint8_t)(i < 15 ? i : i + 1);
    assert_int_equal(rtp_extension_map_add(map, id, (enum rtp_extension)i), RTP_OK);
  }
}

/* Parses a packet with this two-byte extension block (a multiple of 4 bytes) and reads its values. */
static void read_block(const char *block_hex, struct bytes *b, struct rtp_extension_values *v) {
  char hex[512];
  struct bytes block = bytes_hex(block_hex);
  assert_int_equal(block.len % 4, 0);
  snprintf(hex, sizeof hex, "90 60 0001 00000002 00000003 1000 %04x %s", (unsigned)(block.len / 4), block_hex);
  *b = bytes_hex(hex);
  bytes_free(&block);
  struct rtp_packet p;
  struct rtp_extension_map map;
  bind_all(&map);
  assert_int_equal(rtp_packet_parse(&p, b->data, b->len), RTP_OK);
  rtp_extension_read(&p, &map, v);
}

static void read_finds_every_value(void **state) {
  (void)state;
  struct rtp_extension_values v;
  struct bytes b;
  read_block(
      "0103 617564 0201 71 0301 68 0401 85 0502 abcd 0603 040000 0703 00a014 0801 0d 0903 ffffff 0a03 c00001"
      "0b08 0000000180000000 0c01 01 0d0d 00 0001 0002 0003 0004 0005 0006 0e01 00",
      &b, &v);
  assert_int_equal(v.present, (1U << RTP_EXTENSION_COUNT) - 2); /* all but NONE */
  assert_int_equal(v.malformed, 0);
  assert_true(RTP_EXTENSION_HAS(&v, MID));
  assert_int_equal(v.mid.len, 3);
  assert_memory_equal(v.mid.data, "aud", 3);
  assert_memory_equal(v.rid.data, "q", 1);
  assert_memory_equal(v.repaired_rid.data, "h", 1);
  assert_true(v.audio_level.voice);
  assert_int_equal(v.audio_level.level, 5);
  assert_int_equal(v.transport_sequence, 0xabcd);
  assert_int_equal(v.abs_send_time, 0x040000);
  assert_int_equal(v.playout_delay.min_ms, 100);
  assert_int_equal(v.playout_delay.max_ms, 200);
  assert_int_equal(v.orientation.rotation, 90);
  assert_true(v.orientation.flip && v.orientation.back_camera);
  assert_int_equal(v.transmission_offset, -1);
  assert_int_equal(v.dependency_descriptor.len, 3);
  assert_int_equal(v.capture_time.ntp, 0x180000000);
  assert_int_equal(v.content_type, 1);
  assert_int_equal(v.video_timing.len, 13);
  assert_int_equal(v.layers_allocation.len, 1);
  bytes_free(&b);
}

static void read_refuses_wrong_lengths_one_by_one(void **state) {
  (void)state;
  struct rtp_extension_values v;
  struct bytes b;
  /* Every known extension with zero bytes, then a good one: the bad ones are counted, the good one is found. */
  read_block("0100 0200 0300 0400 0500 0600 0700 0800 0900 0a00 0b00 0c00 0d00 0e00 0502 0007", &b, &v);
  assert_int_equal(v.malformed, 14);
  assert_int_equal(v.present, 1U << RTP_EXTENSION_TRANSPORT_SEQUENCE);
  assert_int_equal(v.transport_sequence, 7);
  bytes_free(&b);

  read_block("0502 0001 0502 0002 6401 00 00", &b, &v); /* the first of two counts; id 100 is unknown */
  assert_int_equal(v.transport_sequence, 1);
  assert_int_equal(v.malformed, 0);
  bytes_free(&b);

  read_block("0103 6100 62 0202 7e7e 00 00 00", &b, &v); /* a zero in a mid, '~' in a rid */
  assert_int_equal(v.present, 0);
  assert_int_equal(v.malformed, 2);
  assert_int_equal(v.mid.len, 0);
  bytes_free(&b);
}

/* RFC 8285 §4.2 byte by byte: where the first whole element with this id lies, or 0. */
static size_t find_slowly(const uint8_t *packet, size_t len, uint8_t id) {
  for (size_t at = RTP_HEADER_SIZE + 4; at < len;) {
    if (packet[at] == 0) {
      at++;
      continue;
    }
    size_t size = (packet[at] & 0x0fU) + 1;
    if (packet[at] < 0x10 || packet[at] >= 0xf0 || at + 1 + size > len) return 0;
    if (packet[at] >> 4 == id) return at;
    at += 1 + size;
  }
  return 0;
}

/* Runs of zeros of any length, elements of any length and id, the last one often cut. */
static void one_byte_blocks_are_read_as_the_rfc_walks_them(void **state) {
  (void)state;
  struct rtp_extension_map map;
  bind_all(&map);
  uint64_t random = 3;
  size_t found = 0, missed = 0;
  for (size_t n = 0; n < 20000; n++) {
    uint8_t packet[RTP_HEADER_SIZE + 4 + 64] = {0x90, 0x60, [12] = 0xbe, 0xde};
    const size_t words = random_next(&random) % 17, len = RTP_HEADER_SIZE + 4 + words * 4;
    packet[15] = (uint8_t)words;
    for (size_t at = RTP_HEADER_SIZE + 4 + random_next(&random) % 30; at < len;) {
      const uint8_t size = random_next(&random) % 2 ? 2 : (uint8_t)(random_next(&random) % 16 + 1);
      packet[at++] = (uint8_t)(random_next(&random) % 16 << 4 | (size - 1));
      for (uint8_t i = 0; i < size && at < len; i++)
        packet[at++] = (uint8_t)random_next(&random);
      at += random_next(&random) % 3 ? 0 : random_next(&random) % 20;
    }
    struct rtp_packet p;
    struct rtp_extension_values v;
    assert_int_equal(rtp_packet_parse(&p, packet, len), RTP_OK);
    rtp_extension_read(&p, &map, &v);
    const uint8_t id = map.id_of[RTP_EXTENSION_DEPENDENCY_DESCRIPTOR];
    const size_t at = find_slowly(packet, len, id);
    struct rtp_element e;
    assert_int_equal(rtp_packet_find_element(&p, id, &e), at != 0);
    assert_int_equal(RTP_EXTENSION_HAS(&v, DEPENDENCY_DESCRIPTOR), at != 0);
    found += at != 0;
    missed += at == 0;
    if (at == 0) continue;
    assert_ptr_equal(e.data, packet + at + 1);
    assert_ptr_equal(v.dependency_descriptor.data, packet + at + 1);
    assert_int_equal(v.dependency_descriptor.len, (packet[at] & 0x0f) + 1);
    assert_int_equal(e.len, v.dependency_descriptor.len);
  }
  assert_true(found > 1000 && missed > 1000);
}

static void only_what_is_wanted_is_read(void **state) {
  (void)state;
  struct rtp_extension_map map;
  bind_all(&map);
  struct bytes b = bytes_hex("90 60 0001 00000002 00000003 bede 0003 12 617564 51 abcd 40 85 51 0001 00");
  struct rtp_packet p;
  struct rtp_extension_values v;
  memset(&v, 0xff, sizeof v);
  assert_int_equal(rtp_packet_parse(&p, b.data, b.len), RTP_OK);
  rtp_extension_read_some(&p, &map, 1U << RTP_EXTENSION_TRANSPORT_SEQUENCE | 1U << RTP_EXTENSION_NONE, &v);
  assert_int_equal(v.present, 1U << RTP_EXTENSION_TRANSPORT_SEQUENCE);
  assert_int_equal(v.transport_sequence, 0xabcd); /* the first of two */
  assert_int_equal(v.malformed, 0);
  assert_true(v.mid.len == 0 && v.rid.len == 0 && v.repaired_rid.len == 0);
  bytes_free(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(uris_are_known_both_ways),
      cmocka_unit_test(map_keeps_ids_unique),
      cmocka_unit_test(read_finds_every_value),
      cmocka_unit_test(read_refuses_wrong_lengths_one_by_one),
      cmocka_unit_test(one_byte_blocks_are_read_as_the_rfc_walks_them),
      cmocka_unit_test(only_what_is_wanted_is_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
