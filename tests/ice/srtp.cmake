# Tests of the SRTP session and the SCTP association; CMakeLists.txt of this folder includes the list.
foreach(file secret_memory srtcp srtp_backend srtp_engine srtp_hmac srtp_index srtp_keys srtp_seal srtp_session
        dcep sctp_association sctp_channels sctp_stack)
  consilium_test(ice/${file} ${file}_test.c LINK ice PkgConfig::SRTP)
endforeach()
