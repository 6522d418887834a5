// FittedCallID: ids of calls for a server that takes those of one length alone.

/// An id of exactly so many letters and digits: the id itself where it is one, else a number made from all of it. Calls and results are
/// changed alike, so they still meet.
func fittedCallID(_ id: String, count: Int) -> String {
    let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
    if id.utf8.count == count, id.utf8.allSatisfy({ alphabet.contains($0) }) { return id }
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in id.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    // Ids that differ in their last byte alone differ in few bits yet.
    hash = (hash ^ (hash >> 33)) &* 0xFF51_AFD7_ED55_8CCD
    hash ^= hash >> 33
    var bytes: [UInt8] = []
    for _ in 0..<count {
        bytes.append(alphabet[Int(hash % UInt64(alphabet.count))])
        hash /= UInt64(alphabet.count)
    }
    return String(decoding: bytes, as: UTF8.self)
}
