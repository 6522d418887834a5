// swift-tools-version: 6.2
import PackageDescription

// Weir is one binary made of small targets whose arrows point only downwards; `docs/architecture.md` states the
// order and `Tests/TidyTests` reads this file and fails on an arrow back.
//
// `WEIR_PART=core` leaves everything out that needs a dependency, so the pure targets build and test in seconds
// (`make check-core`). `WEIR_PART=store` adds the journal and the ledger.

let part = Context.environment["WEIR_PART"] ?? "all"

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

func library(_ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource]? = nil) -> Target {
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

let coreTargets: [Target] = [
    library("WireFormat", ["CSearch"]),
    library("GatewayModel"),
    .target(name: "CSearch"),
    library("Dialects", ["WireFormat", "GatewayModel", "CSearch"]),
    library("Policy", ["GatewayModel"]),
    library("Providers", ["WireFormat", "GatewayModel"]),
    library("ClientSetup", ["GatewayModel"]),
    .systemLibrary(name: "CZlib"),
    library("Telemetry", ["WireFormat", "GatewayModel", "CZlib"]),
    // What must hold for any input, shared by the fuzz targets and the tests that replay their corpora.
    .target(
        name: "FuzzOracles", dependencies: ["WireFormat", "Dialects", "ClientSetup", "GatewayModel", "Telemetry"],
        path: "Fuzz/Oracles",
        swiftSettings: settings),
    // What limits cost; `Benchmarks/limits.py` runs it.
    .executableTarget(name: "LimitCost", dependencies: ["Policy", "GatewayModel"], path: "Benchmarks/limits", swiftSettings: settings),
    tests("WireFormatTests", ["WireFormat", "FuzzOracles"]),
    tests("GatewayModelTests", ["GatewayModel"]),
    tests("DialectsTests", ["Dialects", "WireFormat", "GatewayModel", "FuzzOracles"]),
    tests("PolicyTests", ["Policy", "GatewayModel"]),
    tests("ProvidersTests", ["Providers", "GatewayModel"]),
    tests("ClientSetupTests", ["ClientSetup", "GatewayModel", "FuzzOracles"]),
    tests("TelemetryTests", ["Telemetry", "GatewayModel", "FuzzOracles"]),
    tests("TidyTests", []),
]

let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let cryptoExtras: Target.Dependency = .product(name: "CryptoExtras", package: "swift-crypto")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let sqlite: Target.Dependency = .product(name: "GRDBSQLite", package: "GRDB.swift")

let storeTargets: [Target] = [
    library("Journal", ["GatewayModel", "WireFormat", "CSearch"]),
    library("Storage", ["GatewayModel", "WireFormat", "Journal", grdb, sqlite]),
    library("Reports", ["GatewayModel", "Journal", "Storage", grdb]),
    .target(
        name: "JournalOracle", dependencies: ["FuzzOracles", "GatewayModel", "Journal"], path: "Fuzz/JournalOracle",
        swiftSettings: settings),
    tests("JournalTests", ["Journal", "GatewayModel", "WireFormat", "FuzzOracles", "JournalOracle"]),
    tests("StorageTests", ["Storage", "Reports", "Journal", "GatewayModel", "WireFormat", grdb]),
]

let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
]
let nioHTTP: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let hummingbirdTesting: Target.Dependency = .product(name: "HummingbirdTesting", package: "hummingbird")
let httpClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let nioFoundation: Target.Dependency = .product(name: "NIOFoundationCompat", package: "swift-nio")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let log: Target.Dependency = .product(name: "Logging", package: "swift-log")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

// Swift's libraries become part of the binary: one file to ship, and a twentieth fewer instructions than with jumps into shared
// ones. Only the link differs from a dynamic build, so tests, which need the shared libraries, reuse every object.
let staticRuntime: [LinkerSetting] = [
    .unsafeFlags(
        ["-static-stdlib", "-lCoreFoundation", "-l_FoundationCShims", "-l_FoundationCollections", "-l_FoundationICU"],
        .when(platforms: [.linux]))
]

let serverTargets: [Target] = [
    library("Identity", ["GatewayModel", "Policy", "Storage", "WireFormat", crypto]),
    library("ServerConfiguration", ["GatewayModel", "Policy", "Providers", yams]),
    library(
        "Proxy",
        ["CSearch", "GatewayModel", "WireFormat", "Dialects", "Policy", "Providers", "Journal", crypto, nioSSL, log] + nio),
    library(
        "AgentOrigin", ["GatewayModel", "Identity", "Policy", "Providers", "Proxy", "Storage", "WireFormat", crypto],
        resources: [.embedInCode("Files/login.sh"), .embedInCode("Files/weir-credential.sh"), .embedInCode("Files/weir.js")]),
    library("AdminAPI", ["GatewayModel", "Policy"]),
    library(
        "Console",
        ["AdminAPI", "GatewayModel", "Identity", "Policy", "Providers", "Reports", "Storage", hummingbird, log]),
    library("Simulation", ["GatewayModel", "WireFormat", nioHTTP, nioSSL] + nio),
    .target(name: "CAllocator"),
    library(
        "Commands",
        [
            "AdminAPI", "AgentOrigin", "CAllocator", "ClientSetup", "Console", "GatewayModel", "Identity", "Journal", "Policy",
            "Providers", "Proxy", "Reports", "ServerConfiguration", "Simulation", "Storage", "Telemetry", "WireFormat", arguments,
            crypto, cryptoExtras, httpClient, lifecycle, log, nioFoundation, nioHTTP, signals,
        ] + nio),
    .executableTarget(name: "weir", dependencies: ["Commands"], swiftSettings: settings, linkerSettings: staticRuntime),
    tests("IdentityTests", ["Identity", "Policy", "Storage", "GatewayModel"]),
    tests("ServerConfigurationTests", ["ServerConfiguration", "GatewayModel", "Policy", "Providers"]),
    // A client that tests of servers share.
    .target(name: "RawWire", dependencies: [nioSSL] + nio, path: "Tests/RawWire", swiftSettings: settings),
    tests(
        "ProxyTests",
        ["Proxy", "RawWire", "Simulation", "Journal", "GatewayModel", "Policy", "Providers", "WireFormat", nioSSL, crypto, log] + nio),
    tests(
        "ConsoleTests",
        ["Console", "AdminAPI", "Identity", "Reports", "Storage", "GatewayModel", hummingbird, hummingbirdTesting]),
    tests(
        "AgentOriginTests",
        ["AgentOrigin", "GatewayModel", "Identity", "Policy", "Providers", "Proxy", "Storage", "WireFormat"]),
    tests("SimulationTests", ["Simulation", "RawWire"]),
    tests("CommandsTests", ["Commands", "AdminAPI", "GatewayModel", "Policy", "Reports", "ServerConfiguration"]),
]

let storePackages: [Package.Dependency] = [
    .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0")
]

let serverPackages: [Package.Dependency] = [
    .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
    .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
    .package(url: "https://github.com/swift-server/async-http-client", exact: "1.37.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
    .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
]

let only = (Context.environment["WEIR_ONLY"] ?? "").split(separator: ",").map(String.init)
let allTargets =
    part == "core"
    ? coreTargets : part == "store" ? coreTargets + storeTargets : coreTargets + storeTargets + serverTargets
let targets = only.isEmpty ? allTargets : allTargets.filter { only.contains($0.name) || $0.name == "CSearch" }
let needsServer = targets.contains { target in serverTargets.contains { $0.name == target.name } }
let needsStore =
    needsServer
    || targets.contains { target in storeTargets.contains { $0.name == target.name } && target.name.hasPrefix("Stor") }

let package = Package(
    name: "weir",
    products: part == "all" && only.isEmpty ? [.executable(name: "weir", targets: ["weir"])] : [],
    dependencies: needsServer ? storePackages + serverPackages : needsStore ? storePackages : [],
    targets: targets
)
