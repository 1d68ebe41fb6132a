// The verifier over the proofs that all languages judge.

import FiscaFlowVerifier
import Foundation
import XCTest

final class VectorTests: XCTestCase {
    private func bytes(_ text: String) throws -> [UInt8] {
        try XCTUnwrap(fromBase64(text == "." ? "" : text), text)
    }

    private func path(_ cell: String, _ last: String) throws -> [[UInt8]] {
        let parts = cell.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        var whole: [UInt8]
        if parts.count == 3 {
            whole = try bytes(last)
            let (start, end) = (try XCTUnwrap(Int(parts[0])), try XCTUnwrap(Int(parts[1])))
            whole.replaceSubrange(start..<end, with: try bytes(parts[2]))
        } else {
            whole = try bytes(cell)
        }
        let starts = stride(from: 0, to: whole.count, by: 32)
        return starts.map { Array(whole[$0..<min($0 + 32, whole.count)]) }
    }

    func testEveryProofOfTheSharedFileIsJudgedRight() throws {
        let root = ProcessInfo.processInfo.environment["FISCAFLOW_ROOT"] ?? "../.."
        let text = try String(contentsOfFile: root + "/verifiers/vectors.txt", encoding: .utf8)
        var good: [String: [String]] = [:]
        var counts = ["+": 0, "-": 0]
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let cells = line.split(separator: " ").map(String.init)
            let last = good[cells[0]] ?? cells
            let now = zip(cells, last).map { $0 == "=" ? $1 : $0 }
            let way = try path(now[6], last[6])
            let number = { (at: Int) in try XCTUnwrap(UInt64(now[at])) }
            let said: Bool
            if now[0] == "i" {
                said = checkInclusion(
                    leaf: try bytes(now[2]), index: try number(3), size: try number(4), path: way,
                    root: try bytes(now[5]))
            } else {
                said = checkConsistency(
                    oldSize: try number(2), oldRoot: try bytes(now[3]), newSize: try number(4),
                    newRoot: try bytes(now[5]), path: way)
            }
            XCTAssertEqual(said, now[1] == "+", String(line))
            counts[now[1], default: 0] += 1
            if said { good[now[0]] = now }
        }
        XCTAssertEqual(counts.values.reduce(0, +), 10_000)
        XCTAssertGreaterThan(counts["+"] ?? 0, 800)
    }

    func testDigestsAreThoseOfTheStandard() {
        let hexadecimal = { (text: String) in
            sha256(Array(text.utf8)).map { String(format: "%02x", $0) }.joined()
        }
        XCTAssertEqual(
            hexadecimal(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        XCTAssertEqual(
            hexadecimal("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        XCTAssertEqual(
            hexadecimal(String(repeating: "a", count: 1_000)),
            "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3")
    }

    func testCheckpointsAreReadAndWhatIsNoneIsNot() {
        let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
        let text = "example.com/log\n3\n\(root)\n"
        let signed = "\(text)\n\u{2014} example.com/log AAAAAQID\n"
        XCTAssertEqual(Checkpoint(text)?.size, 3)
        XCTAssertEqual(Checkpoint(signed)?.signatures.first?.keyName, "example.com/log")
        XCTAssertEqual(Checkpoint(signed)?.text, text)
        let none = ["", "o\n03\n\(root)\n", "o\n3\n\(root)", "o\n3\nAAAA\n", text + "\n"]
        for note in none + [String(signed.dropLast())] { XCTAssertNil(Checkpoint(note), note) }
    }
}
