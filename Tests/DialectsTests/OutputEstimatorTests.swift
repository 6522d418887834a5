// The estimator: tokens from bytes, learned from turns whose provider counted.

import Dialects
import Testing

@Suite struct OutputEstimatorTests {
    @Test func theSeedServesUntilSomethingIsLearned() {
        let estimator = OutputEstimator()
        #expect(estimator.estimateOutput(model: "m", contentBytes: 0) == 0)
        #expect(estimator.estimateOutput(model: "m", contentBytes: -5) == 0)
        #expect(estimator.estimateOutput(model: "m", contentBytes: 1) == 1)
        #expect(estimator.estimateOutput(model: "m", contentBytes: 330) == 100)
        #expect(estimator.estimateInput(bodyBytes: 331) == 101)
        #expect(estimator.estimateInput(bodyBytes: -1) == 0)
    }

    @Test func itConvergesToWhatAModelIsBilledFor() {
        var estimator = OutputEstimator()
        for _ in 0..<200 { estimator.learn(model: "m", contentBytes: 5000, outputTokens: 1000) }
        #expect((990...1010).contains(estimator.estimateOutput(model: "m", contentBytes: 5000)))
        #expect(estimator.estimateOutput(model: "other", contentBytes: 330) == 100)
    }

    @Test func absurdAndTinyTurnsTeachNothingWild() {
        var estimator = OutputEstimator()
        estimator.learn(model: "m", contentBytes: 10, outputTokens: 1_000_000)
        #expect(estimator.estimateOutput(model: "m", contentBytes: 330) == 100)
        for _ in 0..<500 { estimator.learn(model: "m", contentBytes: .max, outputTokens: 8) }
        #expect(estimator.estimateOutput(model: "m", contentBytes: 1200) >= 100)
        for _ in 0..<500 { estimator.learn(model: "m", contentBytes: 32, outputTokens: .max) }
        #expect(estimator.estimateOutput(model: "m", contentBytes: 100) <= 500)
        #expect(estimator.estimateOutput(model: "m", contentBytes: .max) > 0)
    }

    @Test func theNumberOfModelsIsBounded() {
        var estimator = OutputEstimator()
        for index in 0..<2000 { estimator.learn(model: "m\(index)", contentBytes: 10_000, outputTokens: 1000) }
        #expect(estimator.estimateOutput(model: "m1999", contentBytes: 330) == 100)
    }
}
