/* server/worker/engine.h (internal to the worker): the media engine's data: peers, their streams and slots, tracks.
 *
 *   engine ─┬─ peer (one member's transport)  ─┬─ section  (an m-line: what it may send, what we may send on it)
 *           │                                  ├─ incoming (an SSRC it sends: one layer of a track)
 *           │                                  └─ slot     (an SSRC we send to it)
 *           └─ track (what a member publishes) ─── subscribers: the slots in which it flows
 *
 * The room logic (server/room) decides who is here, which tracks exist and which slot carries which track; this half only
 * moves packets. Close order of a peer: its slots leave their tracks, its tracks lose their subscribers, every slot of the
 * room forgets its streams, then streams, slots, transport. One loop, no locks; nothing is allocated per packet.
 */
#ifndef SERVER_WORKER_ENGINE_H
#define SERVER_WORKER_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

#include "ice/peer_transport.h"
#include "rtp/extension.h"
#include "rtp/incoming_stream.h"
#include "rtp/outgoing_stream.h"
#include "rtp/sender_clock.h"
#include "rtp/speaker_detector.h"
#include "rtp/transport_feedback.h"
#include "server/room/room_manager.h"
#include "server/worker/address_map.h"
#include "server/worker/congestion.h"
#include "server/worker/fan_out.h"
#include "server/worker/gather.h"
#include "server/worker/media_format.h"
#include "server/worker/quality.h"
#include "server/worker/udp_socket.h"
#include "signaling/sdp_choose.h"

#define ENGINE_MAX_SOCKETS   2 /* IPv4, IPv6 */
#define ENGINE_MAX_SECTIONS  SDP_MAX_MEDIA
#define ENGINE_CNAME         "consilium" /* one clock, so one name for all that we send (RFC 3550 §6.5.1) */
#define ENGINE_MAX_INCOMING  64          /* SSRCs a peer may send, RTX included (security: SSRC floods) */
#define ENGINE_MAX_LAYERS    4
#define ENGINE_MAX_ANNOUNCED 16

/* Why the engine itself dropped a datagram; ice/ and rtp/ have their own reasons. */
enum engine_drop {
  ENGINE_DROP_NONE = 0,
  ENGINE_DROP_UNKNOWN_ADDRESS, /* not STUN, and no peer has this address             */
  ENGINE_DROP_UNKNOWN_UFRAG,   /* a check for credentials that are not (or no more) ours */
  ENGINE_DROP_BAD_RTP,         /* authenticated, but no valid RTP                    */
  ENGINE_DROP_BAD_RTCP,
  ENGINE_DROP_UNKNOWN_SSRC, /* no m-line claims it: no mid, no rid, not in the SDP */
  ENGINE_DROP_SSRC_LIMIT,   /* too many at once, or they take each other's place too fast */
  ENGINE_DROP_NO_TRACK,     /* arrives, but is not published (yet)                */
  ENGINE_DROP_MUTED,
  ENGINE_DROP_NO_DESTINATION, /* a receiver without a selected address              */
  ENGINE_DROP_SEAL,           /* keys exhausted or not there                        */
  ENGINE_DROP_DATA_TARGET,    /* a data-channel message to nobody                   */
  ENGINE_DROP_ADDRESS_TAKEN,  /* a check from an address at which another peer is connected */
  ENGINE_DROP_FEEDBACK_FLOOD, /* transport-cc about more packets than were sent     */
  ENGINE_DROP_COUNT
};
const char *engine_drop_name(enum engine_drop reason);

struct peer;
struct track;
struct slot;
struct section;

/* One SSRC that a peer sends. */
struct incoming {
  uint32_t ssrc;
  struct rtp_incoming_stream *stream; /* NULL for an RTX SSRC: see `media` */
  struct incoming *media;             /* whose repair this is; NULL for media */
  struct section *section;
  uint8_t layer;
  bool heard;             /* the slots have considered it      */
  bool idle;              /* nobody receives it: only samples of it are opened */
  int64_t idle_due_us;    /* when that is looked at again      */
  int64_t heard_us;       /* since when, this time             */
  uint32_t replaced_ssrc; /* whose place it took, and when     */
  int64_t bound_us;
};

/* What a receiver's link can make use of, of the layer that its box would have: layer_limits.c. */
struct layer_wish {
  uint64_t useful_bps;  /* media; 0: whatever its publisher sends */
  uint64_t ceiling_bps; /* a little less than what was too much, 0: nothing was */
  int64_t ceiling_us;   /* when */
  int64_t raised_us;
  int64_t since_us; /* gets less than it wants since then, 0: it does not */
  int8_t layer;     /* that its box would have */
  int8_t held;      /* the one that its publisher keeps small for it, LAYER_NONE */
};

/* One SSRC that we send to a peer, for as long as its m-line lives. */
struct slot {
  /* What a packet asks for. */
  struct peer *peer;
  struct rtp_outgoing_stream *out;
  struct peer_sender *sender;
  struct track *track;         /* NULL: empty */
  uint16_t link_slot;          /* in the peer's downlink */
  bool sent;                   /* something went out: sender reports make sense */
  bool takes_red;              /* the receiver decodes RED (RFC 2198), not only Opus */
  uint8_t repeats;             /* how often its packets go again: audio_repeat.h */
  struct audio_repeat *repeat; /* NULL: never needed */

  bool open; /* negotiated to receive just now; the SSRC outlives a pause of the m-line */
  struct section *section;
  struct peer_sender *rtx_sender;
  size_t index; /* in track->subscribers    */
  struct room_view view;
  uint32_t ssrc, rtx_ssrc;
  uint32_t formats; /* bit n: decodes enum media_format n */
  int64_t sr_due_us;
  int8_t share;                          /* layer granted last, LAYER_NONE */
  enum allocation_reason share_reason;   /* of a governed video slot */
  struct allocation_memory share_memory; /* of the track that flows here */
  struct layer_wish wish;                /* layer_limits.c */
};

/* One m-line. It can be both: a client's sendrecv section is a sender and a slot. */
struct section {
  char mid[ROOM_MID_BYTES];
  enum room_kind kind;
  bool sends; /* the client sends here */
  uint8_t rid_count;
  char rids[ROOM_RIDS][9];
  char codec[16];                                      /* first of the answer */
  struct rtp_incoming_format formats[RTP_MAX_FORMATS]; /* what it may send, in its payload types */
  size_t format_count;
  bool nack;
  uint32_t announced[ENGINE_MAX_ANNOUNCED]; /* a=ssrc of the offer, media and RTX in pairs */
  size_t announced_count;
  struct track *track;
  struct slot *slot; /* what we send here; NULL: nothing */
};

struct track {
  uint32_t handle;
  struct peer *publisher;
  struct section *section;
  enum room_kind kind;
  enum room_source source;
  bool forwarding;
  uint8_t wanted; /* bit i: its i-th layer is in use, as its publisher was told */
  bool flowing_told;
  int64_t told_us;
  int8_t format; /* enum media_format of its video, -1: not seen */
  uint16_t told_width, told_height;
  char told_codec[16];
  uint32_t speaker;                           /* number in the room's detector; SPEAKER_NONE */
  struct incoming *layers[ENGINE_MAX_LAYERS]; /* by layer index; NULL: not seen */
  uint32_t limit_bps[ENGINE_MAX_LAYERS];      /* that its publisher was asked to keep; 0: none */
  int64_t limits_us;                          /* when they were looked at last */
  int64_t limits_told_us;                     /* and when they changed */
  struct limit_watch {
    int64_t told_us, from_us; /* of which change; counted from then on */
    uint64_t bytes;           /* that had come until then */
  } watched[ENGINE_MAX_LAYERS];
  bool obeys; /* its publisher, last time */
  bool limits_stale;
  struct slot **subscribers;
  size_t subscriber_count, subscriber_room;
  struct fan_out_packet *waiting, *waiting_last; /* of this batch and of open frames, not sent yet */
  struct fan_out_packet *kept;                   /* of those, while others are sent */
  size_t waiting_count;                          /* that are sent just now */
  struct fan_out_frame frames[ENGINE_MAX_LAYERS];
  struct track *next_waiting;
  UT_hash_handle hh;
};

struct engine_room {
  uint32_t handle;
  size_t peers;
  struct speaker_detector *speakers;
  int64_t speakers_due_us;
  bool speaking_told;       /* the last report to the room named somebody */
  uint32_t speaker;         /* who speaks, or spoke last: participant handle, 0 at first */
  uint32_t *speaker_tracks; /* track handle by detector number */
  UT_hash_handle hh;
};

struct ufrag_entry;

/* When a peer must be serviced next. Every tick looks at all peers, a few hundred times a second: side by side, not in each peer. */
struct engine_due {
  int64_t due_us;
  struct peer *peer;
};

struct peer {
  /* What a packet to it asks for. */
  struct engine *engine;
  struct peer_transport *transport; /* NULL before the first offer */
  struct udp_socket *socket;        /* of the selected address     */
  size_t place;                     /* in engine->dues */
  struct egress_destination destination;
  struct congestion link; /* what we send to it */

  /* What a packet from it asks for, and its service. */
  struct incoming *incoming; /* as many places as were ever needed, at most ENGINE_MAX_INCOMING */
  size_t incoming_count, incoming_room;
  size_t incoming_last;                         /* the one found last: packets come in runs */
  struct transport_feedback_recorder *recorder; /* what it sends: NULL before its first packet with transport-cc */
  struct peer *next_touched;
  int64_t report_due_us;
  int64_t transport_due_us;        /* its transport's deadline, or earlier … */
  enum peer_state transport_state; /* … as long as it is in this state and nothing but media comes */
  enum room_transport told;        /* to the room */
  bool touched;                    /* received something since its last service */
  bool two_byte_extensions;
  bool hidden;
  bool paused; /* nothing of its tracks is forwarded: who is here gets them directly */
  struct rtp_extension_map extensions;

  uint32_t participant;
  char id[ROOM_ID_BYTES];
  struct engine_room *room;
  char remote_ufrag[ICE_REMOTE_CHARS + 1];
  struct ice_fingerprint fingerprints[SDP_MAX_FINGERPRINTS]; /* of its first offer; they never change */
  size_t fingerprint_count;
  bool data_channels; /* were offered when the transport began */

  struct section *sections[ENGINE_MAX_SECTIONS];
  size_t section_count;

  int64_t rebinds_due_us; /* limits how often SSRCs take each other's place: generic cell rate */

  struct sender_clock clock; /* of all that it sends */

  uint32_t ssrc; /* ours, for RTCP about things without a slot */
  struct quality quality;

  int reliable_channel, lossy_channel; /* SCTP streams, -1: not open */
  UT_hash_handle hh;
};

struct engine_counters {
  uint64_t drops[ENGINE_DROP_COUNT];
  uint64_t rtp_drops[RTP_DROP_COUNT];
  uint64_t ice_drops[ICE_DROP_REASONS];
  uint64_t rtp_unopened; /* of rtp_in: nobody received their stream */
  uint64_t rtp_in, rtp_out, rtcp_in, rtcp_out, rtx_out;
  uint64_t rtp_in_bytes, rtp_out_bytes;
  uint64_t nacks_in, nacks_out, keyframe_requests_in, keyframe_requests_out, data_messages;
};

struct engine {
  struct udp_socket *sockets[ENGINE_MAX_SOCKETS];
  size_t socket_count;
  uint16_t port;
  const char *candidate_addresses[ENGINE_MAX_ANNOUNCED];
  size_t candidate_count;
  struct address_map *addresses;
  struct ufrag_entry *ufrags;
  struct peer *peers; /* by participant handle */
  struct engine_due *dues;
  size_t due_count, due_room;
  struct track *tracks; /* by handle */
  struct engine_room *rooms;
  struct peer *touched;
  struct peer_transport_context *transports;
  struct sdp_policy policy;
  struct room_manager *manager;      /* borrowed: the worker owns it */
  uint64_t peers_opened;             /* in its life */
  int64_t now_us;                    /* of the entry that runs now */
  struct bandwidth_config bandwidth; /* where estimates begin */
  int64_t feedback_patience_us;
  struct gather gather; /* the worker drives it */
  struct engine_counters counters;
  struct fan_out fan_out;
};

struct engine_settings {
  struct udp_socket *const *sockets; /* borrowed */
  size_t socket_count;
  const char *const *candidate_addresses; /* numeric; what candidates announce; borrowed */
  size_t candidate_count;
  const char *video_codecs; /* what receivers may be sent, best first: "VP8,H264" */
  int64_t unix_now_s;
  struct bandwidth_config bandwidth; /* zeros: rtp/bandwidth_estimator.h's own */
  int64_t feedback_patience_us;      /* 0: ENGINE_FEEDBACK_PATIENCE_US; negative: none */
};

/* engine.c. Returns 0 or -1: no memory, or the certificate could not be made. */
int engine_create(struct engine **out, const struct engine_settings *settings);
void engine_free(struct engine *engine);
/* The datagram handler of udp_socket_drain(): `data` must stay until engine_batch_over(). */
void engine_receive(struct engine *engine, const struct sockaddr *from, socklen_t from_len, uint8_t *data, size_t len,
                    int64_t now_us);
/* After each receive batch: what it brought is sealed for everybody who gets it. */
void engine_batch_over(struct engine *engine);
/* After each drain: feedback and retransmission requests of the peers that were heard. */
void engine_service_touched(struct engine *engine, int64_t now_us);
/* Every few milliseconds: timers of every peer that is due. */
void engine_tick(struct engine *engine, int64_t now_us);
/* Sends everything, also what a batch that is not over has brought; not frames that are kept for their last packet. */
void engine_flush(struct engine *engine);
struct peer *engine_find_peer(const struct engine *engine, uint32_t participant);
struct track *engine_find_track(const struct engine *engine, uint32_t handle);
struct peer *engine_find_ufrag(const struct engine *engine, const char *ufrag, size_t len);
int engine_put_ufrag(struct engine *engine, const char *ufrag, struct peer *peer);
void engine_remove_ufrag(struct engine *engine, const char *ufrag, const struct peer *peer);
void engine_remove_ufrags(struct engine *engine, const struct peer *peer); /* all of them */
/* ICE validated this address for the peer: its datagrams are the peer's from now on, unless another peer is connected there. */
void engine_claim_address(struct engine *engine, const struct ice_address *address, struct peer *peer);
/* A peer that comes (false: no memory) and one that goes. */
bool engine_add_due(struct engine *engine, struct peer *peer);
void engine_remove_due(struct engine *engine, const struct peer *peer);
uint32_t engine_random32(void);

/* peer.c */
struct peer *peer_open(struct engine *engine, const struct room_participant *participant);
void peer_close(struct peer *peer, int64_t now_us);
int peer_open_transport(struct peer *peer, int64_t now_us);
void peer_close_transport(struct peer *peer); /* one that never began: its offer was refused */
void peer_drop_section(struct peer *peer, size_t index, int64_t now_us);
void peer_touch(struct peer *peer);
void peer_service(struct peer *peer, int64_t now_us);
/* It is serviced at the next tick: whoever gives another peer something to do says so. */
static inline void peer_hurry(const struct peer *peer) {
  peer->engine->dues[peer->place].due_us = 0;
}
struct section *peer_find_section(const struct peer *peer, const char *mid, size_t len);
/* Packets to one peer, one after the other: what is the same for all of them. Nothing else may happen to the peer meanwhile. */
struct peer_run {
  struct peer *peer;
  struct egress_batch *egress;
  struct peer_seal_run seal;
  bool pads;
  uint64_t packets, bytes; /* that were sent */
};
/* False: it cannot be sent to; counted for `packets`. */
bool peer_run_begin(struct peer_run *run, struct peer *peer, size_t packets);
/* Seals one RTP packet whose header, transport-wide number and all, lies at egress_batch_reserve(run->egress).
 * Returns its bytes; 0: dropped, counted. */
size_t peer_run_send(struct peer_run *run, struct peer_sender *sender, uint8_t *packet, size_t header_len,
                     const uint8_t *payload, size_t payload_len);
/* Counts what was sent. Returns whether anything was. */
bool peer_run_end(const struct peer_run *run);
/* The same for one packet from anywhere, which is numbered here; `transport_seq_offset` as rtp_forward_result has it. */
bool peer_send_rtp(struct peer *peer, struct peer_sender *sender, const uint8_t *header, size_t header_len,
                   const uint8_t *payload, size_t payload_len, size_t transport_seq_offset, int64_t now_us);
void peer_send_rtcp(struct peer *peer, const uint8_t *rtcp, size_t len);

/* negotiation.c: the room's `media_offer`. */
void peer_negotiate(struct peer *peer, const json_t *offer, int64_t now_us);

/* rtp_ingress.c */
void peer_receive_rtp(struct peer *peer, uint8_t *data, size_t len, int64_t now_us);
/* Before a packet is opened: does anybody receive its stream? */
bool peer_wants_rtp(struct peer *peer, const uint8_t *packet, size_t len, int64_t now_us);
/* One that was left unopened. */
void peer_note_unopened(struct peer *peer, uint8_t *data, size_t len, int64_t now_us);
void peer_forget_incoming(struct peer *peer, struct section *section);

/* rtcp_ingress.c, rtcp_egress.c */
void peer_receive_rtcp(struct peer *peer, const uint8_t *data, size_t len, int64_t now_us);
void peer_send_feedback(struct peer *peer, int64_t now_us);
void peer_send_reports(struct peer *peer, int64_t now_us);

/* track.c */
struct track *track_open(struct engine *engine, const struct room_track *info);
void track_close(struct track *track);
/* `media` lies at the place of fan_out_reserve(). */
void track_forward(struct track *track, uint8_t layer, struct rtp_media_packet *media, int64_t now_us);
/* A layer begins, or the codec changes: the slots choose again. */
void track_note_format(struct track *track, const struct rtp_media_packet *media, int64_t now_us);
void track_set_forwarding(struct track *track, bool on, int64_t now_us);
void track_tell_room(struct track *track, int64_t now_us);
/* Key frames get lost too: whoever still waits asks again. Wishes are merged and limited at the source. */
void slot_wish_if_needed(struct slot *slot, int64_t now_us);
void slot_assign(struct slot *slot, struct track *track, int64_t now_us);
/* Nothing that this peer sends reaches anybody, or all of it again. */
void peer_pause_tracks(struct peer *peer, bool on, int64_t now_us);

/* layers.c: chooses the layer for each subscriber, or for one slot (and those that share its link). */
void track_choose_layers(struct track *track, int64_t now_us);
bool slot_is_shown(const struct slot *slot);
void slot_choose_layer(struct slot *slot, int64_t now_us);
/* Once a second: layers that went away or came back, for slots that no link's shares look after. */
void track_review_layers(struct track *track, int64_t now_us);

/* layer_limits.c: see there. */
struct allocation_slot;
void slot_note_room(struct slot *slot, const struct allocation_slot *share, int64_t now_us);
/* What a layer takes, or will take in a moment; of one that does not flow (to this receiver) if its publisher obeys. */
struct rtp_incoming_stats;
uint64_t track_expected_bps(struct track *track, size_t layer, const struct rtp_incoming_stats *stats, bool flows,
                            int64_t now_us);
bool slot_could_take_more(const struct slot *slot, const struct allocation_slot *share);
void track_review_limits(struct track *track, int64_t now_us);

/* speakers.c */
struct engine_room *engine_room_enter(struct engine *engine, uint32_t handle);
void engine_room_leave(struct engine *engine, struct engine_room *room);
void engine_rooms_update(struct engine *engine, int64_t now_us);

/* data_relay.c */
void peer_channel_opened(struct peer *peer, const struct peer_channel *channel);
void peer_channel_message(struct peer *peer, uint16_t channel, const uint8_t *data, size_t len, int64_t now_us);
void peer_channel_closed(struct peer *peer, uint16_t channel);

#endif
