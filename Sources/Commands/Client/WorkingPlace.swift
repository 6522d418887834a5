// WorkingPlace: the home, the environment and the repository in which a command was called.

import ClientSetup
import Foundation
import GatewayModel

extension ClientPlace {
    /// Here and now.
    static func current(systemRoot: String?) throws -> ClientPlace {
        let environment = ProcessInfo.processInfo.environment
        guard let home = environment["HOME"], home.hasPrefix("/") else {
            throw CommandFailure("no_home", "there is no home folder to find a client's files in", mend: "set HOME")
        }
        let folder = FileManager.default.currentDirectoryPath
        #if os(macOS)
            let system = SystemKind.macOS
        #else
            let system = SystemKind.linux
        #endif
        return ClientPlace(
            home: home, environment: environment, system: system, workingFolder: folder, repository: workingRepository(folder),
            systemRoot: systemRoot ?? "", list: { (try? FileManager.default.contentsOfDirectory(atPath: $0)) ?? [] },
            read: { path throws(SetupRefusal) in try DiskFiles.read(path) })
    }
}

/// The git repository around a folder; nil when there is none or no git.
func workingRepository(_ folder: String) -> WorkingRepository? {
    guard let root = git(["rev-parse", "--show-toplevel"], in: folder) else { return nil }
    let remote =
        git(["config", "--get", "remote.origin.url"], in: folder)
        ?? git(["remote"], in: folder)?.split(whereSeparator: \.isNewline).first.flatMap {
            git(["config", "--get", "remote.\($0).url"], in: folder)
        }
    return WorkingRepository(
        root: root, label: remote.flatMap(normaliseRepository), branch: git(["symbolic-ref", "--short", "-q", "HEAD"], in: folder))
}

/// What git says; nil when it fails or says nothing.
private func git(_ arguments: [String], in folder: String) -> String? {
    runProgram(["git", "-C", folder] + arguments).flatMap { $0.status == 0 && !$0.output.isEmpty ? $0.output : nil }
}

/// Runs a program found on PATH and gives its exit code and what it wrote, without the last line end; nil when it cannot be started.
func runProgram(_ words: [String]) -> (status: Int32, output: String, errors: String)? {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = words
    let outputs = Pipe()
    let errors = "\(NSTemporaryDirectory())/weir-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
    guard FileManager.default.createFile(atPath: errors, contents: nil, attributes: [.posixPermissions: 0o600]) else { return nil }
    defer { try? FileManager.default.removeItem(atPath: errors) }
    process.standardOutput = outputs
    process.standardError = FileHandle(forWritingAtPath: errors) ?? FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    do { try process.run() } catch { return nil }
    let data = outputs.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    func text(_ data: Data) -> String { String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines) }
    return (process.terminationStatus, text(data), text(FileManager.default.contents(atPath: errors) ?? Data()))
}
