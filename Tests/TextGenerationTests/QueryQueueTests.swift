import CPluginAPI
import Testing

@testable import TextGeneration

@Suite struct QueryQueueTests {
    private func queries(_ ids: ClosedRange<UInt64>) -> [mlp_query] {
        ids.map { mlp_query(id: $0, index: 0, payload: mlp_bytes(), token_count: 0, reserved: 0) }
    }

    private func append(_ ids: ClosedRange<UInt64>, to queue: QueryQueue) {
        queries(ids).withUnsafeBufferPointer { queue.append($0) }
    }

    private func drain(_ queue: QueryQueue) -> [UInt64] {
        var ids: [UInt64] = []
        while let query = queue.first() {
            ids.append(query.id)
            queue.removeFirst()
        }
        return ids
    }

    @Test func orderSurvivesWrappingAndGrowing() {
        let queue = QueryQueue(capacity: 4)
        append(1...3, to: queue)
        queue.removeFirst()
        queue.removeFirst()
        append(4...6, to: queue)
        append(7...20, to: queue)
        #expect(drain(queue) == Array(3...20))
    }

    @Test func removalKeepsTheOrder() {
        let queue = QueryQueue(capacity: 4)
        append(1...3, to: queue)
        queue.removeFirst()
        append(4...5, to: queue)
        #expect(queue.remove(4))
        #expect(!queue.remove(4))
        #expect(drain(queue) == [2, 3, 5])
    }

    @Test func ordersCarryCancellationsOnce() {
        let queue = QueryQueue()
        [UInt64(7), 8].withUnsafeBufferPointer { queue.cancel($0) }
        #expect(queue.nextOrders(busy: false).cancelled == [7, 8])
        #expect(queue.nextOrders(busy: true).cancelled.isEmpty)
        queue.stop()
        #expect(queue.nextOrders(busy: false).stop)
    }
}
