/* Everything /metrics says: the gateway's own numbers and what each worker last told (at most a second ago). Names carry
 * base units; the only labels are worker, endpoint-free reasons and versions: never a room, a person or an address. */
#include <stdlib.h>
#include <string.h>

#include "server/gateway/internal.h"
#include "server/gateway/metrics.h"
#include "server/version.h"

/* A number of the worker's statistics (server/worker/statistics.h) and its name for the world. */
static const struct {
  const char *key, *name, *type, *help;
} worker_metrics[] = {
    {"rooms", "consilium_rooms", "gauge", "Rooms that exist."},
    {"participants", "consilium_participants", "gauge", "Participants in rooms, hidden ones included."},
    {"tracks", "consilium_tracks", "gauge", "Published tracks."},
    {"waiting", "consilium_waiting", "gauge", "People in waiting rooms."},
    {"roomsDirect", "consilium_rooms_direct", "gauge", "Rooms whose two participants talk directly."},
    {"peers", "consilium_peers", "gauge", "Media transports."},
    {"rtpPacketsIn", "consilium_rtp_received_packets_total", "counter", "RTP packets received."},
    {"rtpPacketsUnopened", "consilium_rtp_unopened_packets_total", "counter",
     "Of those, packets of streams that nobody received: neither decrypted nor, but for samples, authenticated."},
    {"rtpPacketsOut", "consilium_rtp_sent_packets_total", "counter", "RTP packets sent, RTX included."},
    {"rtpBytesIn", "consilium_rtp_received_bytes_total", "counter", "Bytes of the RTP packets received."},
    {"rtpBytesOut", "consilium_rtp_sent_bytes_total", "counter", "Bytes of the RTP packets sent."},
    {"rtcpPacketsIn", "consilium_rtcp_received_packets_total", "counter", "RTCP packets received."},
    {"rtcpPacketsOut", "consilium_rtcp_sent_packets_total", "counter", "RTCP packets sent."},
    {"rtxPacketsOut", "consilium_rtx_sent_packets_total", "counter", "Retransmissions sent to receivers."},
    {"nacksIn", "consilium_nacks_received_total", "counter", "Packets that receivers asked for again."},
    {"nacksOut", "consilium_nacks_sent_total", "counter", "Packets that publishers were asked for again."},
    {"keyframeRequestsIn", "consilium_keyframe_requests_received_total", "counter", "PLI and FIR from receivers."},
    {"keyframeRequestsOut", "consilium_keyframe_requests_sent_total", "counter", "PLI and FIR to publishers."},
    {"dataMessages", "consilium_data_messages_total", "counter", "Data channel messages."},
    {"receiveCalls", "consilium_udp_receive_calls_total", "counter", "System calls that received datagrams."},
    {"sendCalls", "consilium_udp_send_calls_total", "counter", "System calls that sent datagrams."},
    {"sendMessages", "consilium_udp_sent_messages_total", "counter", "Messages sent, a run of segments being one."},
    {"gsoRefused", "consilium_udp_segmentation_refused", "gauge", "Sockets whose route cannot segment: single sends."},
    {"busyPercent", "consilium_worker_busy_ratio", "gauge", "Busy time of the worker's last tenth of a second."},
    {"gatherUs", "consilium_worker_gather_seconds", "gauge", "How long packets gather before they are read."},
    {"audioOnly", "consilium_audio_only", "gauge", "Receivers whose link carries no picture just now."},
    {"linkTargetBps", "consilium_downlink_estimate_bits_per_second", "gauge",
     "Sum of what receivers' links are thought to carry."},
    {"probeBytes", "consilium_probe_sent_bytes", "gauge", "Bytes sent to measure the links of present receivers."},
    {"pacedPackets", "consilium_paced_packets", "gauge", "Packets that waited for their turn, of present receivers."},
    {"cutPackets", "consilium_cut_packets", "gauge",
     "Packets thrown away with a layer too fast for its link, of present receivers."},
};

/* Percent and microseconds are the worker's; Prometheus wants ratios and seconds. */
static double in_base_units(const char *key, double value) {
  if (strcmp(key, "busyPercent") == 0) return value / 100;
  return strcmp(key, "gatherUs") == 0 ? value / 1e6 : value;
}

static void add_workers(struct metrics *m, const struct gateway *g) {
  char index[24];
  metrics_family(m, "consilium_worker_up", "gauge", "1 when the gateway is connected to the worker.");
  for (size_t i = 0; i < g->worker_count; i++) {
    snprintf(index, sizeof index, "%zu", i);
    metrics_sample(m, METRICS_LABELS({"worker", index}), worker_link_is_up(g->workers[i].link));
  }
  for (size_t k = 0; k < sizeof worker_metrics / sizeof *worker_metrics; k++) {
    metrics_family(m, worker_metrics[k].name, worker_metrics[k].type, worker_metrics[k].help);
    for (size_t i = 0; i < g->worker_count; i++) {
      const json_t *value = json_object_get(g->workers[i].stats, worker_metrics[k].key);
      snprintf(index, sizeof index, "%zu", i);
      if (json_is_number(value))
        metrics_sample(m, METRICS_LABELS({"worker", index}),
                       in_base_units(worker_metrics[k].key, json_number_value(value)));
    }
  }
  metrics_family(m, "consilium_connection_quality", "gauge",
                 "Participants by the quality of their connection, each way.");
  for (size_t i = 0; i < g->worker_count; i++) {
    const char *direction, *grade;
    json_t *grades, *value;
    snprintf(index, sizeof index, "%zu", i);
    json_object_foreach(json_object_get(g->workers[i].stats, "quality"), direction, grades) {
      json_object_foreach(grades, grade, value) metrics_sample(
          m, METRICS_LABELS({"worker", index}, {"direction", direction}, {"quality", grade}), json_number_value(value));
    }
  }
  metrics_family(m, "consilium_connection_quality_causes", "gauge",
                 "Participants by what keeps their connection from being excellent.");
  for (size_t i = 0; i < g->worker_count; i++) {
    const char *cause;
    json_t *value;
    snprintf(index, sizeof index, "%zu", i);
    json_object_foreach(json_object_get(g->workers[i].stats, "qualityCauses"), cause, value)
        metrics_sample(m, METRICS_LABELS({"worker", index}, {"cause", cause}), json_number_value(value));
  }
  metrics_family(m, "consilium_dropped_packets_total", "counter", "Packets that were dropped, by reason.");
  for (size_t i = 0; i < g->worker_count; i++) {
    const char *reason;
    json_t *value;
    snprintf(index, sizeof index, "%zu", i);
    json_object_foreach(json_object_get(g->workers[i].stats, "drops"), reason, value)
        metrics_sample(m, METRICS_LABELS({"worker", index}, {"reason", reason}), json_number_value(value));
  }
}

static void add_direct(struct metrics *m, const struct gateway *g) {
  const json_t *workers[ROOM_DIRECTORY_WORKERS_MAX];
  for (size_t i = 0; i < g->worker_count; i++)
    workers[i] = json_object_get(g->workers[i].stats, "direct");
  metrics_direct(m, workers, g->worker_count);
}

static void add_one(struct metrics *m, const char *name, const char *type, const char *help, double value) {
  metrics_family(m, name, type, help);
  metrics_sample(m, NULL, value);
}

static void add_listener(struct metrics *m, const struct listener_stats *l) {
  const struct metrics_label_value {
    const char *reason;
    uint64_t count;
  } refused[] = {{"connections_max", l->refused_connections_max},
                 {"per_address", l->refused_per_address},
                 {"origin", l->refused_origin},
                 {"upgrade", l->refused_upgrade},
                 {"path", l->refused_path},
                 {"method", l->refused_method},
                 {"body", l->refused_body},
                 {"too_big", l->too_big},
                 {"binary", l->binary},
                 {"slow_reader", l->slow_readers}};
  add_one(m, "consilium_connections", "gauge", "Open connections, WebSocket and HTTP.", l->connections);
  add_one(m, "consilium_websockets", "gauge", "Open WebSockets.", l->websockets);
  add_one(m, "consilium_connections_total", "counter", "Accepted connections.", (double)l->accepted);
  add_one(m, "consilium_websocket_received_messages_total", "counter", "WebSocket messages received.",
          (double)l->messages_in);
  add_one(m, "consilium_websocket_sent_messages_total", "counter", "WebSocket messages sent.", (double)l->messages_out);
  add_one(m, "consilium_http_requests_total", "counter", "HTTP requests, files not included.", (double)l->requests);
  metrics_family(m, "consilium_refused_total", "counter", "What the listener refused, by reason.");
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
    metrics_sample(m, METRICS_LABELS({"reason", refused[i].reason}), (double)refused[i].count);
}

static void add_calls(struct metrics *m, const struct gateway *g) {
  struct calls_counts counts = calls_counts(g->calls);
  metrics_family(m, "consilium_calls_total", "counter", "Calls that are over, by outcome.");
  for (int i = 0; i < CALLS_END_COUNT; i++)
    if (i != CALLS_END_ACCEPTED_ELSEWHERE) /* an end for pages, not for calls */
      metrics_sample(m, METRICS_LABELS({"outcome", calls_end_name((enum calls_end)i)}), (double)counts.ended[i]);
  add_one(m, "consilium_calls_ringing", "gauge", "Calls that somebody may still answer.", (double)counts.open);
  add_one(m, "consilium_invitations_rate_limited_total", "counter", "Invitations over the rate.",
          (double)counts.rate_limited);
  metrics_family(m, "consilium_guest_links_total", "counter", "Guest links, by what was done.");
  metrics_sample(m, METRICS_LABELS({"result", "created"}), (double)g->counters.links_created);
  metrics_sample(m, METRICS_LABELS({"result", "revoked"}), (double)g->counters.links_revoked);
}

static void add_gateway(struct metrics *m, const struct gateway *g) {
  const struct gateway_counters *c = &g->counters;
  metrics_family(m, "consilium_build_info", "gauge", "Always 1; what runs, as labels.");
  metrics_sample(m, METRICS_LABELS({"version", version_number}, {"commit", version_commit}), 1);
  int64_t age_s = (gateway_now_us() - g->started_us) / 1000000;
  add_one(m, "consilium_gateway_start_time_seconds", "gauge", "When the gateway started, seconds since 1970.",
          (double)(gateway_wall_s() - age_s));
  add_one(m, "consilium_draining", "gauge", "1 when no new rooms are taken.", g->draining);
  add_one(m, "consilium_sessions", "gauge", "Sessions, with a WebSocket or waiting to resume.",
          (double)session_table_count(&g->sessions));
  add_one(m, "consilium_used_tokens", "gauge", "Tokens remembered because they were used.",
          (double)used_tokens_count(g->used));
  metrics_family(m, "consilium_hellos_total", "counter", "Hello messages, by result.");
  metrics_sample(m, METRICS_LABELS({"result", "ok"}), (double)c->hellos_ok);
  metrics_sample(m, METRICS_LABELS({"result", "refused"}), (double)c->hellos_refused);
  add_one(m, "consilium_resumes_total", "counter", "Sessions that were resumed.", (double)c->resumes);
  add_one(m, "consilium_requests_total", "counter", "Client requests.", (double)c->requests);
  add_one(m, "consilium_requests_refused_total", "counter", "Client requests the gateway itself refused.",
          (double)c->requests_refused);
  add_one(m, "consilium_requests_rate_limited_total", "counter", "Client requests over the rate.",
          (double)c->rate_limited);
  add_one(m, "consilium_tokens_reused_total", "counter", "Tokens offered a second time.", (double)c->tokens_reused);
  add_one(m, "consilium_workers_lost_total", "counter", "Workers that died.", (double)c->workers_lost);
  add_one(m, "consilium_bad_answers_total", "counter", "Answers of a worker that could not be written as SDP.",
          (double)c->bad_answers);
}

char *metrics_export(const struct gateway *g, size_t *length) {
  char *text = NULL;
  struct metrics m = {.to = open_memstream(&text, length)};
  if (!m.to) return NULL;
  add_gateway(&m, g);
  add_calls(&m, g);
  if (g->listener) add_listener(&m, listener_stats(g->listener));
  add_workers(&m, g);
  add_direct(&m, g);
  fclose(m.to);
  return text;
}
