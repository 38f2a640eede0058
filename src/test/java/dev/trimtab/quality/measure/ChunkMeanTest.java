package dev.trimtab.quality.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;

class ChunkMeanTest {
    /// By hand: chunks (1, 1) and (3, 3, 3) have mean 2.2, sums 2 and 9, deviations -2.4 and 2.4.
    @Test
    void weighsChunksByTheirTokens() {
        ChunkMean mean = new ChunkMean();
        for (double value : new double[] {1, 1}) {
            mean.add(0, value);
        }
        for (double value : new double[] {3, 3, 3}) {
            mean.add(1, value);
        }

        Estimate found = mean.estimate();

        assertThat(found.value()).isCloseTo(2.2, within(1e-12));
        assertThat(found.standardError()).isCloseTo(Math.sqrt(2 * 2 * 2.4 * 2.4) / 5, within(1e-12));
    }

    /// Where tokens of a chunk are alike, the error is that of chunks; the error that means show says so.
    @Test
    void saysHowMuchMeansOfCorrelatedTokensVary() {
        Random random = new Random(11);
        double squares = 0;
        double reported = 0;
        int repetitions = 400;
        for (int i = 0; i < repetitions; i++) {
            ChunkMean mean = new ChunkMean();
            for (int chunk = 0; chunk < 40; chunk++) {
                double shared = random.nextGaussian();
                for (int token = 0; token < 20; token++) {
                    mean.add(chunk, shared + 0.5 * random.nextGaussian());
                }
            }
            squares += mean.estimate().value() * mean.estimate().value();
            reported += mean.estimate().standardError();
        }

        double actual = Math.sqrt(squares / repetitions);
        assertThat(reported / repetitions).isCloseTo(actual, within(0.1 * actual));
    }

    @Test
    void takesTokensForIndependentWhereThereIsOneChunk() {
        ChunkMean mean = new ChunkMean();
        mean.add(0, 1);
        mean.add(0, 3);

        assertThat(mean.estimate().standardError()).isCloseTo(1 / Math.sqrt(2), within(1e-12));
    }
}
