# Sources of the SRTP session and the SCTP association; CMakeLists.txt of this folder includes the list.
set(ICE_SRTP_SOURCES
  secret_memory.c
  srtcp.c
  srtp_backend_evp.c
  srtp_engine.c
  srtp_hmac.c
  srtp_index.c
  srtp_keys.c
  srtp_seal.c
  srtp_session.c
  dcep.c
  sctp_association.c
  sctp_channels.c
  sctp_names.c
  sctp_stack.c)
if(IPSEC_MB_LIBRARY AND IPSEC_MB_INCLUDE)
  list(APPEND ICE_SRTP_SOURCES srtp_backend_ipsec_mb.c)
endif()
