"""Prints the offer of GStreamer's webrtcbin (Debian's gstreamer1.0-plugins-bad and -nice): VP8, Opus, a data channel."""
import sys
import time

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstWebRTC", "1.0")
gi.require_version("GstSdp", "1.0")
from gi.repository import Gst, GstSdp, GstWebRTC  # noqa: E402,F401

Gst.init(None)
pipeline = Gst.parse_launch(
    "webrtcbin name=peer bundle-policy=max-bundle "
    "videotestsrc is-live=true ! vp8enc deadline=1 ! rtpvp8pay ! application/x-rtp,media=video,encoding-name=VP8,payload=96 ! peer. "
    "audiotestsrc is-live=true ! opusenc ! rtpopuspay ! application/x-rtp,media=audio,encoding-name=OPUS,payload=97 ! peer.")
peer = pipeline.get_by_name("peer")
pipeline.set_state(Gst.State.READY)
channel = peer.emit("create-data-channel", "reliable", None)
pipeline.set_state(Gst.State.PLAYING)
pipeline.get_state(5 * Gst.SECOND)
time.sleep(1)  # until both payloaders have fixed their caps, and with them the SSRCs
promise = Gst.Promise.new()
peer.emit("create-offer", None, promise)
promise.wait()
reply = promise.get_reply()
offer = reply.get_value("offer")
sys.stdout.write(offer.sdp.as_text())
sys.stdout.flush()
pipeline.set_state(Gst.State.NULL)
