// StagedRecords: what a process that crashed had staged and not written, put where it belongs.

#if canImport(Glibc)
    import Glibc
#endif

extension Journal {
    /// Writes an earlier boot's staged records into its segments, behind what is there. Cut short, it does the rest the next time.
    func writeStaged(of name: String) throws(JournalError) {
        let folder = "\(directory)/\(name)"
        let path = "\(folder)/\(StagingArea.name)"
        guard access(path, F_OK) == 0 else { return }
        guard let area = readWhole(path) else { throw .cannotOpen(path: path, reason: describeErrno(errno)) }
        // A segment that has a next one is whole, so what is staged goes on in the last.
        let numbers = JournalReader.segments(in: folder)
        if let number = numbers.last, area.count > Self.recordBytesMax {
            let last = end(of: folder, number)
            let before = last.sequence > 0 || numbers.count == 1 ? last.sequence : end(of: folder, numbers[numbers.count - 2]).sequence
            let frames = Self.frames(in: area, at: last.offset, after: before)
            let failure = write(frames, to: "\(folder)/\(Self.segmentName(number))", at: last.offset)
            guard failure == 0 else {
                throw .unavailable(reason: "the records in \(path) cannot be written to their segment: \(describeErrno(failure))")
            }
        }
        unlink(path)
    }

    /// Where a segment's whole records end, those behind damage too, and the last one's number; 0 when it has none.
    private func end(of folder: String, _ number: Int) -> (offset: Int, sequence: Int64) {
        guard let file = SegmentFile("\(folder)/\(Self.segmentName(number))") else { return (0, 0) }
        var end = (offset: 0, sequence: Int64(0))
        while true {
            var sequence: Int64?
            if let next = file.visitRecord(at: end.offset, { sequence = JournalReader.header($0)?.sequence }), let sequence {
                end = (next, sequence)
                continue
            }
            guard let behind = file.firstRecord(behind: end.offset + 4) else { return end }
            end.offset = behind
        }
    }

    /// The whole frames that begin at a segment's offset and go on from a sequence number. Older ones, which lie where no newer came, do
    /// not go on from it.
    private static func frames(in area: [UInt8], at offset: Int, after sequence: Int64) -> [UInt8] {
        // Twice, so that a record that goes on at the beginning lies in one piece.
        let start = offset % area.count
        let bytes = Array(area[start...] + area[..<start])
        var sequence = sequence
        var count = 0
        bytes.withUnsafeBytes { bytes in
            while let (json, next) = SegmentFile.frame(in: bytes, at: count), JournalReader.header(json)?.sequence == sequence + 1 {
                sequence += 1
                count = min(next, bytes.count)
            }
        }
        return Array(bytes[..<count])
    }

    private func write(_ frames: [UInt8], to path: String, at offset: Int) -> Int32 {
        if frames.isEmpty { return 0 }
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return errno }
        defer { close(descriptor) }
        let failure = frames.withUnsafeBytes { writeWhole(descriptor, $0, at: offset) }
        return failure == 0 ? disk.synchronise(descriptor) : failure
    }
}
