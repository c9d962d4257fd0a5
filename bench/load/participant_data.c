/* bench/load/participant_data.c: a participant's data channels: SCTP packets into and out of its DTLS connection, and the
 * clock of the SCTP stack that all participants share. */
#include "bench/load/participant_internal.h"

static void on_packet(void *arg, const uint8_t *packet, size_t len) {
  const struct participant *p = arg;
  transport_send_data(p->transport, packet, len);
}

static void on_opened(void *arg) {
  const struct participant *p = arg;
  p->shared->counters->data_opened++;
}

static void on_message(void *arg, const struct data_stamp *stamp) {
  const struct participant *p = arg;
  struct load_counters *counters = p->shared->counters;
  if (stamp->window != p->shared->window) return; /* it was sent before this measurement began, and is not expected */
  counters->data_received++;
  histogram_add(&counters->data_latency_us, event_loop_clock_us() - stamp->sent_us);
}

static void on_stack_timer(void *arg, int64_t now_us) {
  struct participant_shared *shared = arg;
  sctp_stack_tick(shared->sctp, now_us);
  event_loop_set(shared->loop, &shared->sctp_timer, sctp_stack_deadline(shared->sctp));
}

void participant_open_data(struct participant *p, int64_t now_us) {
  struct participant_shared *shared = p->shared;
  const struct data_channels_listener listener = {p, on_packet, on_opened, on_message};
  if (!p->sctp_port || !shared->sctp || p->data) return;
  if (data_channels_create(&p->data, shared->sctp, p->sctp_port, &listener)) return;
  if (shared->sctp_timer.place) return;
  shared->sctp_timer = (struct loop_timer){.due = on_stack_timer, .arg = shared};
  event_loop_set(shared->loop, &shared->sctp_timer, now_us);
}

void participant_receive_data(void *arg, const uint8_t *data, size_t len) {
  struct participant *p = arg;
  if (p->data) data_channels_receive(p->data, data, len);
}

bool participant_has_data(const struct participant *p) {
  return p->data && data_channels_open(p->data);
}

bool participant_say(struct participant *p, int64_t now_us) {
  const struct data_stamp stamp = {.sent_us = now_us, .window = p->shared->window};
  if (!p->data || !data_channels_say(p->data, &stamp)) return false;
  p->shared->counters->data_sent++;
  return true;
}
