// swift-tools-version:5.9
import PackageDescription

let package = Package(
    name: "FiscaFlowVerifier",
    products: [.library(name: "FiscaFlowVerifier", targets: ["FiscaFlowVerifier"])],
    targets: [
        .target(name: "FiscaFlowVerifier"),
        .testTarget(name: "FiscaFlowVerifierTests", dependencies: ["FiscaFlowVerifier"]),
    ],
    swiftLanguageVersions: [.v5]
)
