/* Fuzzes RTCP: compound packets and every message; what a builder writes parses back the same. Input: a datagram. */
#include "rtp/rtcp.h"

#include "tests/fuzz/rtp_fuzz.h"

static uint8_t out[8192];

static struct rtcp_packet reread(int len) {
  struct rtcp_iterator it;
  struct rtcp_packet p = {0};
  HOLDS(len > 0 && len % 4 == 0 && rtcp_begin(&it, out, (size_t)len) == RTP_OK && rtcp_next(&it, &p));
  return p;
}

static void check_report(const struct rtcp_packet *p) {
  static struct rtcp_report r, back;
  if (rtcp_parse_report(p, &r) != RTP_OK) return;
  static uint8_t again[sizeof out];
  int len = rtcp_write_report(out, sizeof out, &r);
  struct rtcp_packet q = reread(len);
  HOLDS(rtcp_parse_report(&q, &back) == RTP_OK && back.count == r.count && back.is_sender == r.is_sender);
  HOLDS(rtcp_write_report(again, sizeof again, &back) == len && memcmp(again, out, (size_t)len) == 0);
  /* All the fields there are lie in the bytes: they are the input's, but for padding and profile-specific ends. */
  HOLDS(memcmp(out + 4, p->body, (size_t)len - 4) == 0);
}

static void check_sdes(const struct rtcp_packet *p) {
  static struct rtcp_sdes s, back;
  if (rtcp_parse_sdes(p, &s) != RTP_OK || s.count == 0 || !s.chunks[0].cname) return;
  HOLDS((const uint8_t *)s.chunks[0].cname + s.chunks[0].len <= p->body + p->body_len);
  struct rtcp_packet q = reread(rtcp_write_sdes(out, sizeof out, s.chunks[0].ssrc, s.chunks[0].cname, s.chunks[0].len));
  HOLDS(rtcp_parse_sdes(&q, &back) == RTP_OK && back.chunks[0].len == s.chunks[0].len);
  HOLDS(memcmp(back.chunks[0].cname, s.chunks[0].cname, s.chunks[0].len) == 0);
}

static void check_bye(const struct rtcp_packet *p) {
  struct rtcp_bye bye, back;
  if (rtcp_parse_bye(p, &bye) != RTP_OK) return;
  if (bye.reason) HOLDS((const uint8_t *)bye.reason + bye.reason_len <= p->body + p->body_len);
  struct rtcp_packet q = reread(rtcp_write_bye(out, sizeof out, bye.ssrcs, bye.count, NULL));
  HOLDS(rtcp_parse_bye(&q, &back) == RTP_OK && back.count == bye.count);
  HOLDS(memcmp(back.ssrcs, bye.ssrcs, sizeof bye.ssrcs) == 0);
}

static void check_nack(const struct rtcp_packet *p) {
  static struct rtcp_nack n, back;
  size_t written;
  if (rtcp_parse_nack(p, &n) != RTP_OK) return;
  HOLDS(n.count >= 1 && n.count <= RTCP_MAX_NACKS);
  struct rtcp_packet q = reread(rtcp_write_nack(out, sizeof out, 1, n.media_ssrc, n.seqs, n.count, &written));
  HOLDS(written == n.count && rtcp_parse_nack(&q, &back) == RTP_OK);
  /* The same numbers come back, each pair sorted. */
  HOLDS(back.media_ssrc == n.media_ssrc && back.seqs[0] == n.seqs[0] && back.count <= n.count);
}

static void check_picture_feedback(const struct rtcp_packet *p) {
  struct rtcp_pli pli;
  struct rtcp_fir fir, fir_back;
  static struct rtcp_remb remb, remb_back;
  if (rtcp_parse_pli(p, &pli) == RTP_OK) {
    struct rtcp_packet q = reread(rtcp_write_pli(out, sizeof out, pli.sender_ssrc, pli.media_ssrc));
    struct rtcp_pli back;
    HOLDS(rtcp_parse_pli(&q, &back) == RTP_OK && memcmp(&pli, &back, sizeof pli) == 0);
  }
  if (rtcp_parse_fir(p, &fir) == RTP_OK) {
    struct rtcp_packet q = reread(rtcp_write_fir(out, sizeof out, &fir));
    HOLDS(rtcp_parse_fir(&q, &fir_back) == RTP_OK && fir_back.count == fir.count);
    for (unsigned i = 0; i < fir.count; i++) {
      HOLDS(fir.entries[i].ssrc == fir_back.entries[i].ssrc && fir.entries[i].seq == fir_back.entries[i].seq);
    }
  }
  if (rtcp_parse_remb(p, &remb) == RTP_OK) {
    HOLDS(remb.bitrate_bps <= (uint64_t)INT64_MAX);
    struct rtcp_packet q = reread(rtcp_write_remb(out, sizeof out, &remb));
    HOLDS(rtcp_parse_remb(&q, &remb_back) == RTP_OK && remb_back.count == remb.count);
    HOLDS(remb_back.bitrate_bps == remb.bitrate_bps || remb.bitrate_bps == (uint64_t)INT64_MAX);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  uint8_t *copy = malloc(size ? size : 1);
  HOLDS(copy != NULL);
  if (size > 0) memcpy(copy, data, size);
  struct rtcp_iterator it;
  struct rtcp_packet p;
  size_t total = 0;
  bool sound = rtcp_begin(&it, copy, size) == RTP_OK;
  while (rtcp_next(&it, &p)) {
    HOLDS(sound && p.body >= copy && p.body + p.body_len <= copy + size);
    total += 4 + p.body_len;
    check_report(&p);
    check_sdes(&p);
    check_bye(&p);
    check_nack(&p);
    check_picture_feedback(&p);
    struct rtcp_xr xr;
    int error = rtcp_parse_xr(&p, &xr);
    HOLDS(error <= 0);
  }
  HOLDS(total <= size);
  free(copy);
  return 0;
}
