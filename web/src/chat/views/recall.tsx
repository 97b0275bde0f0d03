// The questions before a message is taken back, or hidden.
import { Question } from './question.tsx';

interface Props {
  /** What the message says, in one line. */
  text: string;
  onYes(): void;
  onClose(): void;
}

export const RecallQuestion = ({ text, ...does }: Props) => (
  <Question title="Recall this message?" yes="Recall" no="Keep it" {...does}>
    <blockquote>{text}</blockquote>
    <p class="quiet">Nobody will see any more what it says. That it was there stays visible.</p>
  </Question>
);

export const HideQuestion = ({ text, ...does }: Props) => (
  <Question title="Hide this message?" yes="Hide" no="Keep it" {...does}>
    <blockquote>{text}</blockquote>
    <p class="quiet">You will not see it any more, on any of your devices. Everybody else still does.</p>
  </Question>
);
