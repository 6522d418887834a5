// The exact response cache's rules and its bounded shelf.

import GatewayModel
import Policy
import Testing

@Suite struct CachingTests {
    private let start = Timestamp(seconds: 1_000_000)
    private let size = 1000

    /// A shelf that can be asked inside an expectation.
    private final class Bench {
        var shelf: CacheShelf<String, String>
        init(_ shelf: CacheShelf<String, String>) { self.shelf = shelf }

        var count: Int { shelf.count }
        var bytes: Int { shelf.bytes }

        @discardableResult
        func put(_ name: String, bytes: Int, at time: Timestamp) -> Bool {
            shelf.put(name, name, bytes: bytes, at: time, seconds: 60)
        }

        func find(_ name: String, at time: Timestamp, storedAfter: Timestamp = Timestamp(seconds: 0)) -> String? {
            shelf.find(name, at: time, storedAfter: storedAfter)
        }

        @discardableResult
        func removeAll(where condition: (String) -> Bool) -> Int { shelf.removeAll(where: condition) }
    }

    private func shelf(of count: Int) -> Bench {
        Bench(CacheShelf(bytesMax: count * (size + CacheShelf<String, String>.overheadBytes)))
    }

    @Test func whatWasUsedLongestAgoGoesFirst() {
        let shelf = shelf(of: 3)
        for name in ["a", "b", "c"] { shelf.put(name, bytes: size, at: start) }
        #expect(shelf.find("a", at: start) == "a")
        shelf.put("d", bytes: size, at: start)
        let kept = ["a", "b", "c", "d"].filter { shelf.find($0, at: start) != nil }
        #expect(kept == ["a", "c", "d"])
        #expect(shelf.shelf.evictions == 1 && shelf.count == 3 && shelf.bytes <= shelf.shelf.bytesMax)
    }

    @Test func aValueEndsWithItsTimeAndWithAShorterRule() {
        let shelf = shelf(of: 3)
        shelf.put("a", bytes: size, at: start)
        #expect(shelf.find("a", at: start.adding(seconds: 59), storedAfter: start.adding(seconds: -1)) == "a")
        #expect(shelf.find("a", at: start.adding(seconds: 59), storedAfter: start.adding(seconds: 29)) == nil)
        #expect(shelf.count == 0 && shelf.bytes == 0)
        shelf.put("a", bytes: size, at: start)
        #expect(shelf.find("a", at: start.adding(seconds: 60)) == nil)
    }

    @Test func whatIsLargerThanTheShelfIsNotKeptAndPushesNothingOut() {
        let shelf = shelf(of: 2)
        shelf.put("a", bytes: size, at: start)
        #expect(!shelf.put("b", bytes: 10 * size, at: start))
        #expect(!shelf.put("c", bytes: .max, at: start))
        #expect(shelf.find("a", at: start) == "a")
    }

    @Test func aSmallerBoundAndAPurgeGiveRoomBack() {
        let shelf = shelf(of: 4)
        for name in ["a", "b", "c", "d"] { shelf.put(name, bytes: size, at: start) }
        #expect(shelf.removeAll { $0 == "b" } == 1)
        shelf.shelf.setBytesMax(2 * (size + CacheShelf<String, String>.overheadBytes))
        #expect(shelf.count == 2 && shelf.find("d", at: start) == "d")
        #expect(shelf.removeAll { _ in true } == 2 && shelf.bytes == 0)
    }

    /// A reference that keeps everything in one list agrees with the shelf over thousands of random steps.
    @Test func theShelfAgreesWithAPlainList() {
        let shelf = shelf(of: 5)
        var list: [String] = []
        var state: UInt64 = 7
        func next(_ bound: UInt64) -> Int {
            state = mixed(state &+ 0x9E37_79B9_7F4A_7C15)
            return Int(state % bound)
        }
        for _ in 0..<5000 {
            let name = String(next(9))
            switch next(8) {
            case 0:
                #expect(shelf.removeAll { $0 == name } == (list.contains(name) ? 1 : 0))
                list.removeAll { $0 == name }
            case 1...4:
                shelf.put(name, bytes: size, at: start)
                list.removeAll { $0 == name }
                list.append(name)
                if list.count > 5 { list.removeFirst() }
            default:
                let found = shelf.find(name, at: start)
                #expect((found != nil) == list.contains(name))
                if found != nil {
                    list.removeAll { $0 == name }
                    list.append(name)
                }
            }
            #expect(shelf.count == list.count)
        }
    }

    @Test func aKeyCanRefuseWhatItsRouteAllowsAndAskForWhatItsRouteDoesNotSpeakOf() {
        var route = CacheRule(seconds: 60)
        route.scope = .team
        #expect(CacheRule.inForce(route: nil, keySeconds: nil) == nil)
        #expect(CacheRule.inForce(route: route, keySeconds: nil) == route)
        #expect(CacheRule.inForce(route: route, keySeconds: 0) == nil)
        #expect(CacheRule.inForce(route: route, keySeconds: 10) == route)
        #expect(CacheRule.inForce(route: nil, keySeconds: 10) == CacheRule(seconds: 10))
    }

    @Test func noScopeReachesBeyondAWorkspace() {
        var one = Principal(keyID: "k1", workspace: "w1", team: "t")
        one.developer = "maria"
        var other = one
        other.workspace = "w2"
        for scope in CacheScope.allCases { #expect(scope.owner(one) != scope.owner(other)) }
        other = one
        other.keyID = "k2"
        #expect(CacheScope.key.owner(one) != CacheScope.key.owner(other))
        #expect(CacheScope.developer.owner(one) == CacheScope.developer.owner(other))
        other.developer = nil
        other.serviceAccount = "maria"
        #expect(CacheScope.developer.owner(one) != CacheScope.developer.owner(other))
        #expect(CacheScope.team.owner(one) == CacheScope.team.owner(other))
    }
}
