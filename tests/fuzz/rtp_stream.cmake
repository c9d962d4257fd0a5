# Fuzzers of the stream logic.
consilium_fuzz(rtp_outgoing rtp_outgoing_fuzz.c LINK rtp MAX_LEN 4096)
consilium_fuzz(rtp_feedback rtp_feedback_fuzz.c LINK rtp MAX_LEN 2048)
consilium_fuzz(rtp_downlink rtp_downlink_fuzz.c LINK rtp MAX_LEN 4096)
