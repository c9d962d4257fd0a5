# Tests of the SRTP session and the SCTP association; CMakeLists.txt of this folder includes the list.
foreach(file secret_memory srtcp srtp_backend srtp_backend_evp srtp_backend_ipsec_mb
        srtp_engine srtp_hmac srtp_index srtp_keys srtp_seal srtp_session
        dcep sctp_association sctp_channels sctp_names sctp_stack)
  consilium_test(ice/${file} ${file}_test.c LINK ice PkgConfig::SRTP)
endforeach()
set_tests_properties(${CONSILIUM_TEST_PREFIX}ice/srtp_backend_ipsec_mb PROPERTIES SKIP_RETURN_CODE 77)
