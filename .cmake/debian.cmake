# One Debian package of everything that is installed: `cmake --build --preset release --target package`.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "Consilium contributors <consilium@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION video)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# Loaded by name at run time, so dpkg-shlibdeps does not see it.
set(CPACK_DEBIAN_PACKAGE_DEPENDS libwebsockets-evlib-uv)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS coturn)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA "${CMAKE_SOURCE_DIR}/conf/package/postinst" "${CMAKE_SOURCE_DIR}/conf/package/conffiles")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
install(FILES "${CMAKE_SOURCE_DIR}/conf/package/consilium.yaml" DESTINATION /etc/consilium COMPONENT package EXCLUDE_FROM_ALL)
install(FILES "${CMAKE_SOURCE_DIR}/conf/package/credentials.conf" DESTINATION lib/systemd/system/consilium.service.d COMPONENT package
  EXCLUDE_FROM_ALL)
set(CPACK_INSTALL_CMAKE_PROJECTS "${CMAKE_BINARY_DIR};consilium;ALL;/;${CMAKE_BINARY_DIR};consilium;package;/")
include(CPack)
