# Finds hwloc; defines Hwloc::hwloc. Installed with the package, so that a static consumer finds it too.
find_path(Hwloc_INCLUDE_DIR hwloc.h)
find_library(Hwloc_LIBRARY hwloc)
find_path(Hwloc_CONFIG_DIR hwloc/autogen/config.h)
if(Hwloc_CONFIG_DIR)
  file(STRINGS ${Hwloc_CONFIG_DIR}/hwloc/autogen/config.h _hwloc_version REGEX "^#define HWLOC_VERSION \"")
  string(REGEX REPLACE ".*\"([0-9.]+).*\"" "\\1" Hwloc_VERSION "${_hwloc_version}")
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Hwloc REQUIRED_VARS Hwloc_LIBRARY Hwloc_INCLUDE_DIR Hwloc_CONFIG_DIR VERSION_VAR Hwloc_VERSION
  REASON_FAILURE_MESSAGE "install libhwloc-dev")
mark_as_advanced(Hwloc_INCLUDE_DIR Hwloc_CONFIG_DIR Hwloc_LIBRARY)
if(Hwloc_FOUND AND NOT TARGET Hwloc::hwloc)
  add_library(Hwloc::hwloc UNKNOWN IMPORTED)
  set_target_properties(Hwloc::hwloc PROPERTIES
    IMPORTED_LOCATION ${Hwloc_LIBRARY}
    # Debian keeps the generated header in the architecture's folder; a cross compiler must be told.
    INTERFACE_INCLUDE_DIRECTORIES "${Hwloc_INCLUDE_DIR};${Hwloc_CONFIG_DIR}")
endif()
