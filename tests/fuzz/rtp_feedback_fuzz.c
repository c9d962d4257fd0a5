/* Fuzzes transport-wide feedback as a state machine: arrivals, losses and hostile feedback bytes against the send history. */
#include <string.h>

#include "rtp/transport_feedback.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)                \
  do {                                  \
    if (!(condition)) __builtin_trap(); \
  } while (0)

static struct transport_feedback_recorder recorder;
static struct transport_send_history history;
static struct transport_result array[256];
static int64_t now_us;
static uint64_t sent_packets, sent_bytes;

static void apply(const uint8_t *bytes, size_t len) {
  struct rtcp_iterator it;
  struct rtcp_packet packet;
  if (rtcp_begin(&it, bytes, len) != RTP_OK) return;
  while (rtcp_next(&it, &packet)) {
    struct rtcp_transport_feedback f;
    if (rtcp_parse_transport_feedback(&packet, &f) != RTP_OK) continue;
    struct transport_results r = {.results = array, .capacity = sizeof array / sizeof array[0]};
    transport_send_history_feedback(&history, &f, now_us, &r);
    size_t received = 0, lost = 0;
    CHECK(r.count <= r.capacity);
    for (size_t i = 0; i < r.count; i++) {
      const struct transport_result *run = &array[i];
      CHECK(i == 0 || (int32_t)(run->seq - array[i - 1].seq) >= (int32_t)array[i - 1].packets);
      CHECK(run->packets > 0 && run->last_sent_us >= run->sent_us && run->sent_us <= now_us);
      CHECK(run->bytes >= run->first_bytes && run->bytes >= run->last_bytes);
      if (run->arrival_us == -1 && run->packets == 1 && run->last_arrival_us == -1)
        lost++;
      else
        received += run->packets;
    }
    CHECK(received + lost == r.received + r.lost);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  transport_feedback_recorder_init(&recorder);
  transport_send_history_init(&history);
  now_us = 1000000;
  sent_packets = sent_bytes = 0;
  size_t i = 0;
  while (i + 3 <= size) {
    uint8_t op = data[i];
    uint16_t value = (uint16_t)(data[i + 1] << 8 | data[i + 2]);
    i += 3;
    now_us += op * 100;
    if (op < 100) {
      for (uint16_t k = 0; k <= value % 64; k++)
        transport_send_history_sent(&history, value, op, (struct transport_content){0, k}, now_us);
      sent_packets += value % 64 + 1U;
      sent_bytes += (value % 64 + 1U) * (uint64_t)value;
    } else if (op < 180) {
      transport_feedback_arrived(&recorder, (uint16_t)(history.next - value % 100), now_us);
    } else if (op < 200) {
      transport_feedback_arrived(&recorder, value, now_us);
    } else if (op < 240) {
      uint8_t bytes[1200];
      int len = transport_feedback_build(&recorder, 1, 2, bytes, 24U + value % 1176U, now_us);
      CHECK(len <= 1200);
      if (len > 0) apply(bytes, (size_t)len);
    } else { /* the rest is feedback as it is */
      apply(data + i, size - i);
      break;
    }
    CHECK(history.acked + history.lost <= sent_packets && transport_send_history_in_flight(&history) <= sent_bytes);
  }
  return 0;
}
