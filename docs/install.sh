#!/bin/sh
# Installs kvs into ~/.local/bin from a release folder: a URL or a directory that
# holds SHA256SUMS and the executables, as "npm run release" writes them.
#
#   sh install.sh FOLDER        or        KVS_DOWNLOAD=FOLDER sh install.sh
#
# What is there already is replaced in one step, by an executable that has the
# right sum and runs here; whatever goes wrong before leaves it as it was.
set -eu

fail() {
  echo "install.sh: $1" >&2
  exit "${2:-1}"
}

has() { command -v "$1" >/dev/null 2>&1; }

# The name of the executable for this machine.
platform() {
  system=$(uname -s)
  machine=$(uname -m)
  case $machine in
    x86_64 | amd64) machine=x64 ;;
    aarch64 | arm64) machine=arm64 ;;
    *) fail "There is no kvs for the processor \"$machine\", only for x86_64 and arm64" ;;
  esac
  case $system in
    Linux) if is_musl; then echo "kvs-linux-$machine-musl"; else echo "kvs-linux-$machine"; fi ;;
    # A shell that is translated for an Apple processor says x86_64.
    Darwin)
      if [ "$(sysctl -n sysctl.proc_translated 2>/dev/null || true)" = 1 ]; then machine=arm64; fi
      echo "kvs-macos-$machine"
      ;;
    MINGW* | MSYS* | CYGWIN*) echo "kvs-windows-x64.exe" ;;
    *) fail "There is no kvs for the system \"$system\", only for Linux, macOS and Windows" ;;
  esac
}

# Whether the system's C library is musl. Its loader may be there beside glibc, so ldd is asked first.
is_musl() {
  if has ldd; then
    case $(ldd --version 2>&1 || true) in
      *musl*) return 0 ;;
      *) return 1 ;;
    esac
  fi
  for loader in /lib/ld-musl-*.so.1; do
    if [ -e "$loader" ]; then return 0; fi
  done
  return 1
}

# Fetches a file of the folder; prints nothing, fails as a whole.
fetch() { # name, destination
  case $folder in
    https://*) download "$1" "$2" --proto '=https' --proto-redir '=https' ;;
    http://*) download "$1" "$2" ;;
    *) cp -- "$folder/$1" "$2" ;;
  esac || fail "Cannot get \"$folder/$1\""
}

download() { # name, destination, options of curl
  name=$1 destination=$2
  shift 2
  if has curl; then
    curl --fail --silent --show-error --location "$@" --output "$destination" "$folder/$name"
  elif has wget; then
    wget -q -O "$destination" "$folder/$name"
  else
    fail "Downloading needs curl or wget, and there is neither"
  fi
}

sum_of() {
  if has sha256sum; then
    sha256sum <"$1"
  else
    shasum -a 256 <"$1"
  fi | cut -d ' ' -f 1
}

# The sum that a release states for a name; nothing if it states none.
stated_sum() { # sums, name
  while read -r sum name; do
    if [ "$name" = "$2" ]; then
      echo "$sum"
      return
    fi
  done <"$1"
}

clean_up() { rm -f -- "$sums" "$executable"; }

main() {
  case ${1-} in
    -h | --help)
      echo "Usage: sh install.sh FOLDER (a URL or a directory; or set KVS_DOWNLOAD)"
      exit 0
      ;;
    -*) fail "Unknown option \"$1\", expected: sh install.sh FOLDER" 2 ;;
  esac
  if [ $# -gt 1 ]; then fail "Expected one folder: sh install.sh FOLDER" 2; fi
  folder=${1:-${KVS_DOWNLOAD:-}}
  if [ -z "$folder" ]; then fail "Say where to install from: sh install.sh FOLDER, a URL or a directory" 2; fi
  case $folder in
    file://*%*) fail "Cannot read \"$folder\": give the directory as a plain path" 2 ;;
    file://localhost/*) folder=${folder#file://localhost} ;;
    file:///*) folder=${folder#file://} ;;
    http://* | https://*) ;;
    *://*) fail "Cannot download from \"$folder\": expected https://, http://, file:// or a directory" 2 ;;
    # So that no command takes it for an option.
    /*) ;;
    *) folder=./$folder ;;
  esac
  folder=${folder%/}

  if ! has sha256sum && ! has shasum; then
    fail "Checking the download needs sha256sum or shasum, and there is neither"
  fi
  if [ -z "${HOME:-}" ]; then fail "HOME is not set, so there is no ~/.local/bin"; fi
  bin=$HOME/.local/bin
  file=$(platform)
  case $file in
    *.exe) installed=$bin/kvs.exe ;;
    *) installed=$bin/kvs ;;
  esac
  if [ -d "$installed" ]; then fail "Cannot install \"$installed\": it is a directory"; fi

  mkdir -p -- "$bin" || fail "Cannot create \"$bin\""
  sums=
  executable=
  trap clean_up EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  sums=$(mktemp "$bin/.kvs-sums.XXXXXX") || fail "Cannot write into \"$bin\""
  executable=$(mktemp "$bin/.kvs-new.XXXXXX") || fail "Cannot write into \"$bin\""

  fetch SHA256SUMS "$sums"
  expected=$(stated_sum "$sums" "$file")
  if [ -z "$expected" ]; then fail "\"$folder/SHA256SUMS\" names no \"$file\""; fi
  fetch "$file" "$executable"
  actual=$(sum_of "$executable")
  if [ "$actual" != "$expected" ]; then
    fail "\"$folder/$file\" has the wrong sum, nothing was installed: it is $actual, expected $expected"
  fi

  chmod 755 "$executable"
  version=$("$executable" --version) ||
    fail "\"$file\" does not run on this system, nothing was installed (on Alpine: apk add libstdc++)"
  mv -f -- "$executable" "$installed" || fail "Cannot install \"$installed\""
  echo "Installed $version: $installed"
  case :$PATH: in
    *:"$bin":*) ;;
    *) echo "It is not in your PATH yet: add  export PATH=\"\$HOME/.local/bin:\$PATH\"  to your shell's profile" ;;
  esac
}

# Called at the very end: a download of this script that was cut short does nothing.
main "$@"
