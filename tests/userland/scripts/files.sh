mkdir -p p/q; echo x > p/q/f; ln -s q p/l; cat p/l/f; ln p/q/f p/h; cp -r p r; mv r/h r/i; find r | sort; readlink p/l; rm -r p r; ls
