// JournalRetention: gives disk space back: what was allocated ahead of a crash, and segments that nobody needs any more.

package import GatewayModel

#if canImport(Glibc)
    import Glibc
#endif

extension Journal {
    /// Whether a boot's turns were all settled, there or by a later one.
    func isSettled(_ name: String) -> Bool { access("\(directory)/\(name)/settled", F_OK) == 0 }

    /// Leaves an empty file in a boot's folder that says what it is.
    func mark(_ name: String, as mark: String) {
        let descriptor = Glibc.open("\(directory)/\(name)/\(mark)", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return }
        Glibc.close(descriptor)
        syncFolder("\(directory)/\(name)")
    }

    /// Whether whole records lie behind where reading a boot ended: then something in between was damaged.
    func hasRecords(_ name: String, behind end: (segment: Int, offset: Int)) -> Bool {
        let folder = "\(directory)/\(name)"
        return JournalReader.segments(in: folder).contains { number in
            guard number >= end.segment, let file = SegmentFile("\(folder)/\(Journal.segmentName(number))") else { return false }
            return file.firstRecord(behind: number == end.segment ? end.offset : 0) != nil
        }
    }

    /// Cuts an earlier boot's last segment behind its last whole record, and removes what holds none. Of a damaged one all stays, for
    /// somebody to look at.
    func cut(_ name: String) {
        let folder = "\(directory)/\(name)"
        unlink("\(folder)/next")
        unlink("\(folder)/\(StagingArea.name)")
        if JournalReader.isDamaged(folder) { return }
        for number in JournalReader.segments(in: folder).reversed() {
            let path = "\(folder)/\(Journal.segmentName(number))"
            guard let file = SegmentFile(path) else { continue }
            let end = file.end()
            guard end == 0 else {
                // Only the last segment with records has room to give back: those before it were full.
                _ = truncate(path, off_t(end))
                return
            }
            unlink(path)
        }
        unlink("\(folder)/settled")
        rmdir(folder)
    }

    /// Removes the segments that every cursor has passed and whose last record is older than `time`, and gives how many. The
    /// segment that is being written stays.
    package func removeSegments(before cursor: JournalPosition, olderThan time: Timestamp) -> Int {
        var removed = 0
        for name in JournalReader.boots(in: directory) where name <= cursor.boot && name <= boot {
            let isOwn = name == boot
            guard isOwn || isSettled(name) else { continue }
            let folder = "\(directory)/\(name)"
            if JournalReader.isDamaged(folder) { continue }
            let numbers = JournalReader.segments(in: folder)
            for (index, number) in numbers.enumerated() {
                // A segment's last record is older than the first of what comes next: the next segment, or the next boot.
                let next = index + 1 < numbers.count ? firstRecord(of: folder, numbers[index + 1]) : nil
                if let next {
                    guard name < cursor.boot || next.sequence <= cursor.sequence + 1, (next.time ?? time) < time else {
                        break
                    }
                } else {
                    guard !isOwn, name < cursor.boot, let end = endOfBoot(name), end < time else { break }
                }
                if unlink("\(folder)/\(Journal.segmentName(number))") == 0 { removed += 1 }
            }
            guard !isOwn, JournalReader.segments(in: folder).isEmpty else { continue }
            // The mark goes last, so that a crash in between leaves nothing to settle twice.
            unlink("\(folder)/settled")
            rmdir(folder)
        }
        return removed
    }

    private func firstRecord(of folder: String, _ number: Int) -> (
        sequence: Int64, kind: RecordKind?, time: Timestamp?
    )? {
        SegmentFile("\(folder)/\(Journal.segmentName(number))")?.record(at: 0).flatMap { JournalReader.header($0.json) }
    }

    /// A boot had ended when the next one began.
    private func endOfBoot(_ name: String) -> Timestamp? {
        JournalReader.boots(in: directory).first { $0 > name }.flatMap { Int64($0) }.map { Timestamp(nanoseconds: $0) }
    }
}
