# The libraries under mpijob_core, found by their pkg-config files (Blosc has no CMake package).

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(BLOSC REQUIRED IMPORTED_TARGET blosc>=1.21)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(LIBZIP REQUIRED IMPORTED_TARGET libzip>=1.7)
pkg_check_modules(MURMURHASH REQUIRED IMPORTED_TARGET libmurmurhash)
find_path(XXHASH_INCLUDE_DIR xxhash.h DOC "Folder of xxhash.h (Debian: libxxhash-dev)" REQUIRED)
mark_as_advanced(XXHASH_INCLUDE_DIR)
