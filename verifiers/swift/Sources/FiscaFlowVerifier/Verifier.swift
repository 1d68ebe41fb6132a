// Checks proofs of a FiscaFlow book's history without the engine: Swift alone is enough.
//
// A book's commits are the leaves of a Merkle tree (RFC 9162, section 2.1). A checkpoint names the
// tree of one moment: its size and its root. A root is worth what the checkpoint is worth that it
// comes from: one that the checker kept, or one that is signed by a key that it trusts. A root that
// came with the proof proves nothing. docs/proofs.md of FiscaFlow tells the rest.

/// The hash of a leaf, whose bytes are a commit's header as it is stored.
public func leafHash(_ leaf: [UInt8]) -> [UInt8] {
    sha256([0] + leaf)
}

/// The hash of a node, of those of its two children.
public func nodeHash(_ left: [UInt8], _ right: [UInt8]) -> [UInt8] {
    sha256([1] + left + right)
}

/// Whether the leaf with that hash is the one of that index, from 0, in the tree of that size and
/// root (RFC 9162, section 2.1.3.2).
public func checkInclusion(
    leaf: [UInt8], index: UInt64, size: UInt64, path: [[UInt8]], root: [UInt8]
) -> Bool {
    guard index < size, areHashes(path + [leaf, root]) else { return false }
    var place = Place(node: index, last: size - 1)
    var found = leaf
    for neighbour in path {
        guard place.last > 0 else { return false }
        found = place.isRight ? nodeHash(neighbour, found) : nodeHash(found, neighbour)
        place.climb()
    }
    return place.last == 0 && found == root
}

/// Whether the tree of size `newSize` begins with the one of size `oldSize`, which is not 0 (RFC
/// 9162, section 2.1.4.2).
public func checkConsistency(
    oldSize: UInt64, oldRoot: [UInt8], newSize: UInt64, newRoot: [UInt8], path: [[UInt8]]
) -> Bool {
    guard oldSize > 0, oldSize <= newSize else { return false }
    guard areHashes(path + [oldRoot, newRoot]) else { return false }
    if oldSize == newSize { return path.isEmpty && oldRoot == newRoot }
    guard let head = path.first else { return false }
    // Where the old tree is complete it is a node of the new one, and its root is the first hash.
    let whole = oldSize & (oldSize - 1) == 0
    var place = Place(node: oldSize - 1, last: newSize - 1)
    while place.node & 1 == 1 { place.up() }
    var older = whole ? oldRoot : head
    var newer = older
    for neighbour in path.dropFirst(whole ? 0 : 1) {
        guard place.last > 0 else { return false }
        if place.isRight {
            older = nodeHash(neighbour, older)
            newer = nodeHash(neighbour, newer)
        } else {
            newer = nodeHash(newer, neighbour)
        }
        place.climb()
    }
    return place.last == 0 && older == oldRoot && newer == newRoot
}

/// A node of a level and the level's last one.
private struct Place {
    var node: UInt64
    var last: UInt64

    /// Whether its neighbour is on its left; the last node of a level has none on its right.
    var isRight: Bool { node & 1 == 1 || node == last }

    /// To its parent that has a neighbour: a last node without one stands for itself above.
    mutating func climb() {
        if isRight {
            while node & 1 == 0 && node != 0 { up() }
        }
        up()
    }

    mutating func up() {
        node >>= 1
        last >>= 1
    }
}

private func areHashes(_ all: [[UInt8]]) -> Bool {
    all.allSatisfy { $0.count == 32 }
}

/// The tree of one moment (C2SP `tlog-checkpoint`).
public struct Checkpoint: Equatable {
    public let origin: String
    public let size: UInt64
    public let root: [UInt8]
    /// What is signed. Whether a signature is good is for whoever knows the key and has Ed25519:
    /// on Apple's systems CryptoKit.
    public let text: String
    public let signatures: [NoteSignature]

    /// Reads a checkpoint, signed or not; `nil` for what is none.
    public init?(_ note: String) {
        let lines = note.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
        let rows = lines.map { String(String.UnicodeScalarView($0)) }
        let isPlain = note.unicodeScalars.allSatisfy { $0.value >= 0x20 || $0 == "\n" }
        guard isPlain, rows.count >= 4, rows.last == "" else { return nil }
        let body = rows.dropLast()
        let end = body.lastIndex(of: "") ?? body.endIndex
        let textRows = body[..<end]
        let signed = end < body.endIndex
        let read = body[min(end + 1, body.endIndex)...].map(NoteSignature.init)
        let signatures = read.compactMap { $0 }
        guard signatures.count == read.count, signatures.count <= 100 else { return nil }
        guard signed != signatures.isEmpty, textRows.count >= 3 else { return nil }
        guard !textRows.contains(""), let size = UInt64(textRows[1]) else { return nil }
        guard "\(size)" == textRows[1] else { return nil }
        guard let root = fromBase64(textRows[2]), root.count == 32 else { return nil }
        self.origin = textRows[0]
        self.size = size
        self.root = root
        self.text = textRows.joined(separator: "\n") + "\n"
        self.signatures = signatures
    }
}

/// One signature of a note (C2SP `signed-note`).
public struct NoteSignature: Equatable {
    public let keyName: String
    public let keyId: [UInt8]
    public let signature: [UInt8]

    init?(_ line: String) {
        let cells = line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        guard cells.count == 3, cells[0] == "\u{2014}", !cells[1].isEmpty else { return nil }
        guard !cells[1].contains(where: { $0.isWhitespace || $0 == "+" }) else { return nil }
        guard let bytes = fromBase64(cells[2]), bytes.count > 4 else { return nil }
        (keyName, keyId, signature) = (cells[1], Array(bytes.prefix(4)), Array(bytes.dropFirst(4)))
    }
}

/// Base64 (RFC 4648, section 4) in its one canonical form.
public func fromBase64(_ text: String) -> [UInt8]? {
    let digits = Array(text.utf8)
    let pad = digits.suffix(2).reversed().prefix { $0 == UInt8(ascii: "=") }.count
    guard digits.count % 4 == 0 else { return nil }
    var bytes: [UInt8] = []
    var (bits, count): (UInt32, UInt32) = (0, 0)
    for digit in digits.dropLast(pad) {
        let value: UInt8
        switch digit {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = digit - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): value = digit - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): value = digit - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+"): value = 62
        case UInt8(ascii: "/"): value = 63
        default: return nil
        }
        (bits, count) = (bits << 6 | UInt32(value), count + 6)
        if count >= 8 {
            count -= 8
            bytes.append(UInt8(truncatingIfNeeded: bits >> count))
        }
    }
    return count < 6 && bits & (1 << count - 1) == 0 ? bytes : nil
}
