import Testing

@testable import TextGeneration

@Suite struct PageAllocatorTests {
    @Test func everyPageIsGivenOnce() {
        var pages = PageAllocator(capacity: 5)
        var taken: [Int32] = []
        while let page = pages.take() { taken.append(page) }
        #expect(taken.sorted() == [0, 1, 2, 3, 4])
        #expect(pages.free == 0)
        for page in taken { pages.put(page) }
        #expect(pages.free == 5)
        #expect(pages.take() == taken.last)
    }
}
