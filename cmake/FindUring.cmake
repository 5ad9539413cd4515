# Finds liburing; defines Uring::uring. Installed with the package, so that a static consumer finds it too.
find_path(Uring_INCLUDE_DIR liburing.h)
find_library(Uring_LIBRARY uring)
if(Uring_INCLUDE_DIR)
  file(STRINGS ${Uring_INCLUDE_DIR}/liburing.h Uring_IS_NEW REGEX "io_uring_get_events")
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Uring REQUIRED_VARS Uring_LIBRARY Uring_INCLUDE_DIR Uring_IS_NEW
  REASON_FAILURE_MESSAGE "install liburing-dev, 2.3 or newer")
mark_as_advanced(Uring_INCLUDE_DIR Uring_LIBRARY)
if(Uring_FOUND AND NOT TARGET Uring::uring)
  add_library(Uring::uring UNKNOWN IMPORTED)
  set_target_properties(Uring::uring PROPERTIES
    IMPORTED_LOCATION ${Uring_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${Uring_INCLUDE_DIR})
endif()
