// What somebody tells of themselves, asked for when it is to be shown.
import { useEffect, useState } from 'preact/hooks';
import type { Chat } from '../../chat.ts';
import type { Profile } from '../../nouns/profile.ts';
import { sentence } from '../hooks.ts';

export function useProfile(chat: Chat, user: string) {
  const [profile, setProfile] = useState<Profile | null>(null);
  const [problem, setProblem] = useState('');
  const [tries, setTries] = useState(0);
  useEffect(() => {
    let shown = true;
    setProblem('');
    chat.profiles.find(user).then(
      found => shown && setProfile(found),
      (error: unknown) => shown && setProblem(sentence(error)),
    );
    return () => void (shown = false);
  }, [chat, user, tries]);
  return { profile, setProfile, problem, retry: () => setTries(tries + 1) };
}
