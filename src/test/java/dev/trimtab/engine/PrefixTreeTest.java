package dev.trimtab.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.trimtab.kernel.KvLayout;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/// The tree against a map: so few blocks, and so few different texts, that most look-ups meet others in their
/// bucket.
class PrefixTreeTest {
    private record Key(int parent, String salt, List<Integer> tokens) {}

    @Test
    void findsWhatAMapFinds() {
        for (int seed = 0; seed < 300; seed++) {
            Random random = new Random(0x9E3779B97F4A7C15L * (seed + 1));
            int capacity = 1 + random.nextInt(12);
            PrefixTree tree = new PrefixTree(capacity);
            Map<Key, Integer> expected = new HashMap<>();
            for (int round = 0; round < 200; round++) {
                int parent = random.nextInt(capacity + 1) - 1;
                String salt = parent == PrefixTree.NONE && random.nextBoolean() ? "b" : "a";
                int[] text = text(random);
                int from = random.nextInt(3);
                Key key = key(parent, salt, text, from);

                int found = tree.find(parent, salt, text, from);

                assertThat(found).isEqualTo(expected.getOrDefault(key, PrefixTree.NONE));
                int block = random.nextInt(capacity);
                if (found != PrefixTree.NONE && !tree.hasChildren(found)) {
                    tree.remove(found);
                    expected.remove(key);
                } else if (found == PrefixTree.NONE && !tree.holds(block) && isNode(tree, parent)) {
                    tree.insert(block, parent, salt, text, from);
                    expected.put(key, block);
                }
            }
            assertThat(expected.values()).allMatch(tree::holds);
        }
    }

    @Test
    void evictsWhatWasParkedFirst() {
        PrefixTree tree = new PrefixTree(8);
        Random random = new Random(3);
        Deque<Integer> expected = new ArrayDeque<>();
        List<Integer> held = new ArrayList<>();
        for (int block = 0; block < 8; block++) {
            int[] text = new int[KvLayout.BLOCK_TOKENS];
            Arrays.fill(text, block);
            tree.insert(block, PrefixTree.NONE, "", text, 0);
            held.add(block);
        }
        for (int round = 0; round < 500; round++) {
            if (!held.isEmpty() && random.nextBoolean()) {
                int block = held.remove(/* index */ random.nextInt(held.size()));
                tree.park(block);
                expected.add(block);
            } else if (!expected.isEmpty()) {
                int block = List.copyOf(expected).get(random.nextInt(expected.size()));
                tree.unpark(block);
                expected.remove(block);
                held.add(block);
            }
            assertThat(tree.parked()).isEqualTo(expected.size());
        }

        while (!expected.isEmpty()) {
            assertThat(tree.evict()).isEqualTo(expected.poll());
        }
    }

    private static boolean isNode(PrefixTree tree, int block) {
        return block == PrefixTree.NONE || tree.holds(block);
    }

    private static int[] text(Random random) {
        int[] text = new int[KvLayout.BLOCK_TOKENS + 2];
        text[random.nextInt(text.length)] = random.nextInt(3);
        return text;
    }

    private static Key key(int parent, String salt, int[] text, int from) {
        List<Integer> tokens =
                Arrays.stream(text, from, from + KvLayout.BLOCK_TOKENS).boxed().toList();
        return new Key(parent, salt, tokens);
    }
}
