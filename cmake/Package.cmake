# What is installed beside the program, and the Debian package of it all.
install(DIRECTORY migrations/ DESTINATION ${CMAKE_INSTALL_DATADIR}/jobd/migrations)
install(FILES README.md SECURITY.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY examples DESTINATION ${CMAKE_INSTALL_DOCDIR} USE_SOURCE_PERMISSIONS)
install(CODE "
  set(build_dir ${PROJECT_BINARY_DIR})
  set(bin_dir ${CMAKE_INSTALL_BINDIR})
  set(doc_dir ${CMAKE_INSTALL_DOCDIR})")
install(SCRIPT packaging/install.cmake)

set(CPACK_GENERATOR DEB)
# So the package is installed with the real prefix, which the units name, and with /etc.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_CONTACT "jobd maintainers <jobd@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "durable job service")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"Clients post jobs by HTTP, and worker nodes run them as commands under
timeouts that really end them. Jobs are kept in PostgreSQL; Redis only tells
idle workers at once that there is work. On a single machine jobd standalone
keeps them in a file and needs neither.

The installation starts nothing: see /etc/jobd/jobd.env, then enable
jobd-api.service and jobd-worker.service, or jobd-standalone.service.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# Peer authentication by PostgreSQL's socket needs the last: the units' user is in no file.
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "postgresql, redis-server (>= 5:7.0), libnss-systemd")
list(APPEND CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${PROJECT_SOURCE_DIR}/packaging/deb/conffiles
  ${PROJECT_SOURCE_DIR}/packaging/deb/postinst
  ${PROJECT_SOURCE_DIR}/packaging/deb/postrm
  ${PROJECT_SOURCE_DIR}/packaging/deb/prerm)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
