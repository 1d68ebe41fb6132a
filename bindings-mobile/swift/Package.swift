// swift-tools-version:5.9
import PackageDescription

let package = Package(
    name: "FiscaFlow",
    platforms: [.iOS(.v15), .macOS(.v12)],
    products: [.library(name: "FiscaFlow", targets: ["FiscaFlow"])],
    targets: [
        // The Rust library. On Apple's systems an XCFramework takes this place: see ../README.md.
        .systemLibrary(name: "FiscaFlowFFI"),
        .target(name: "FiscaFlow", dependencies: ["FiscaFlowFFI"]),
        .testTarget(name: "FiscaFlowTests", dependencies: ["FiscaFlow"]),
    ],
    swiftLanguageVersions: [.v5]
)
