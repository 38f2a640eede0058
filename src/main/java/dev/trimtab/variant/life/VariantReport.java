package dev.trimtab.variant.life;

import dev.trimtab.variant.VariantRegistry.Slot;
import dev.trimtab.variant.VariantState;

/// One variant as its operator sees it.
///
/// @param takenBytes what it takes of the budget
/// @param isPinned whether it is never evicted
/// @param isDefault whether its model's name stands for it
public record VariantReport(Slot slot, long takenBytes, boolean isPinned, boolean isDefault) {
    /// The same, being drained.
    public VariantReport draining() {
        return new VariantReport(slot.as(new VariantState.Draining()), takenBytes, isPinned, isDefault);
    }
}
