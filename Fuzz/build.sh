#!/bin/sh
# Builds the fuzz targets: the pure targets, the oracles and one libFuzzer driver each, with the address sanitizer and with the
# optimiser on, since that is how Weir runs. Fuzzer coverage is a flag of the compiler, so this does not go through SwiftPM.
set -eu
cd "$(dirname "$0")/.."
out=.build-fuzz
mkdir -p "$out"
flags="-O -wmo -parse-as-library -swift-version 6 -package-name weir -sanitize=fuzzer,address -use-ld=lld -I $out -I Sources/CSearch/include
  -enable-upcoming-feature ExistentialAny -enable-upcoming-feature MemberImportVisibility
  -enable-upcoming-feature InternalImportsByDefault"

{
    printf 'module CSearch { header "%s/Sources/CSearch/include/csearch.h" export * }\n' "$PWD"
    printf 'module CZlib [system] { header "%s/Sources/CZlib/shim.h" link "z" export * }\n' "$PWD"
} > "$out/module.modulemap"
for source in Sources/CSearch/*.c; do
    clang -O2 -fsanitize=address -I Sources/CSearch/include -c "$source" -o "$out/CSearch-$(basename "$source" .c).o"
done

# module NAME FOLDER: one module, as an object and as what others import.
module() {
    find "$2" -name '*.swift' | sort > "$out/$1.files"
    # shellcheck disable=SC2086,SC2046
    swiftc $flags -module-name "$1" -emit-module -emit-module-path "$out/$1.swiftmodule" \
        -emit-object -o "$out/$1.o" $(cat "$out/$1.files")
}

module GatewayModel Sources/GatewayModel
module WireFormat Sources/WireFormat
module Dialects Sources/Dialects
module Telemetry Sources/Telemetry
module Journal Sources/Journal
module ClientSetup Sources/ClientSetup
module FuzzOracles Fuzz/Oracles
module JournalOracle Fuzz/JournalOracle
for driver in Fuzz/Drivers/*.swift; do
    name=$(basename "$driver" .swift)
    # shellcheck disable=SC2086
    swiftc $flags -module-name "Fuzz_$name" "$driver" "$out"/GatewayModel.o "$out"/WireFormat.o "$out"/CSearch-*.o \
        "$out"/Dialects.o "$out"/Telemetry.o "$out"/Journal.o "$out"/ClientSetup.o "$out"/FuzzOracles.o "$out"/JournalOracle.o \
        -o "$out/$name"
done
